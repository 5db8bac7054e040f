// Does a client get what is pending and what is sent, in order, as it was sent, and acknowledge what it has handled?
import { issueToken, lookup, eventually, request, send, startServer } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { startListening } from './support/listening.ts'

for (const transport of ['stream', 'poll'] as const)
  await t.test(transport, async (t) => {
    const server = await startServer(t)
    const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'phone', version: '2.1.0' })
    const to = { token: tokenId }
    await send(server, to, 'pending')
    await send(server, { app: 'chat', versions: '*' }, { headline: 'to all' })
    const { listener, messages, errors } = startListening(t, server, { token, transport })
    const [first, second] = await messages.nextN(2)
    t.match(first, { text: 'pending', topic: `chat/t/${tokenId}`, contentEncoding: undefined })
    t.match(second, { text: '{"headline":"to all"}', topic: 'chat/2.1.0' })
    t.same(second?.json(), { headline: 'to all' })
    t.throws(() => first?.json(), SyntaxError)
    t.ok(Date.parse(String(first?.expiresAt)) > Date.parse(String(first?.storedAt)))

    const bytes = Buffer.from([0xff, 0, 0x80])
    await request(server, 'POST', '/v1/messages', { body: { to, payloadBase64: bytes.toString('base64') } })
    t.same(Buffer.from((await messages.next()).bytes), bytes)
    await send(server, to, '\ufeffGrüße\n\n')
    t.equal((await messages.next()).text, '\ufeffGrüße\n\n')
    if (transport === 'stream') {
      await send(server, to, 'now', { ttl: 0 })
      t.equal((await messages.next()).text, 'now', 'now or never')
    }
    for (let number = 1; number <= 50; number += 1) await send(server, to, `number ${number}`)
    const numbers = (await messages.nextN(50)).map(({ text }) => text)
    t.same(
      numbers,
      Array.from({ length: 50 }, (_, index) => `number ${index + 1}`),
    )

    await listener.close()
    t.same((await lookup(server, token)).messages, [], 'all of it is acknowledged')
    t.equal(listener.state, 'closed')
    t.same(messages.pending, [])
    t.same(errors.received, [])
    await t.resolves(listener.closed)
  })

await t.test('what is acknowledged, while it listens', async (t) => {
  const server = await startServer(t)
  const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'phone' })
  const { messages } = startListening(t, server, { token })
  await send(server, { token: tokenId }, 'one')
  t.equal((await messages.next()).text, 'one')
  await eventually('nothing pending', async () => (await lookup(server, token)).messages.length === 0)
})
