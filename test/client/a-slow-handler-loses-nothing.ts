// Does a client whose handler is slower than the server waits for its readers get every message, once and in order?
import { setTimeout as pause } from 'node:timers/promises'
import { eventually, issueToken, lookup, send, startServer } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { startListening } from './support/listening.ts'

const MESSAGES = 80
const BYTES = 200_000

await t.test('16 MB wait for it', async (t) => {
  const settings = { PUSH_STREAM_COMMENT: '1', PUSH_REQUEST_TIMEOUT: '1', PUSH_MAX_PENDING_BYTES: '33554432' }
  const server = await startServer(t, { settings })
  const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'phone' })
  const sent = Array.from({ length: MESSAGES }, (_, index) => String(index).padStart(BYTES, '.'))
  for (const text of sent) await send(server, { token: tokenId }, text)
  let handled = 0
  const { messages, errors, listener } = startListening(t, server, {
    token,
    async onMessage() {
      handled += 1
      // The server gives the stream up meanwhile.
      if (handled === 1) await pause(6_000)
    },
  })
  await eventually('all messages', () => messages.received.length >= MESSAGES)
  t.same(
    messages.received.map(({ text }) => Number(text.replaceAll('.', ''))),
    [...sent.keys()],
  )
  t.equal(handled, MESSAGES)
  t.ok(errors.received.length > 0, 'its stream was given up')
  await listener.close()
  t.same((await lookup(server, token)).messages, [])
})
