// Does a client renew its token before it ends, ask for another one when it is refused, and close with the server's code when there is none?
import { setTimeout as pause } from 'node:timers/promises'
import type { TokenAnswer } from '../../client/index.ts'
import { issueToken, lookup, request, revoke, send, startServer } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { endOf, startListening } from './support/listening.ts'

const server = await startServer(t)
const device = { app: 'chat', device: 'phone', account: 'ann', version: '1.0' }

for (const transport of ['stream', 'poll'] as const)
  await t.test(`${transport}: it outlives its token`, async (t) => {
    const { token, tokenId } = await issueToken(server, { ...device, device: transport, ttl: 8 })
    const told: TokenAnswer[] = []
    const { listener, messages, errors } = startListening(t, server, {
      token,
      transport,
      renewal: { version: '1.1' },
      onToken: (answer) => told.push(answer),
    })
    const sent: string[] = []
    for (const until = Date.now() + 18_000; Date.now() < until; await pause(200)) {
      sent.push(`number ${sent.length}`)
      await send(server, { token: tokenId }, sent.at(-1))
    }
    await messages.nextWhere(({ text }) => text === sent.at(-1))
    t.same(
      messages.received.map(({ text }) => text),
      sent,
    )
    t.ok(told.length >= 2, `${told.length} renewals`)
    t.match(told.at(-1), { token: listener.token, tokenId, topics: { broadcast: 'chat/1.1' } })
    t.same(errors.received, [])
  })

await t.test('refused, with another one', async (t) => {
  const { token, tokenId } = await issueToken(server, { ...device, device: 'revoked' })
  const asked: string[] = []
  const { messages, listener } = startListening(t, server, {
    token,
    async getToken({ code }) {
      asked.push(code)
      if (asked.length === 1) throw new Error('the back end is away')
      return (await issueToken(server, { ...device, device: 'revoked' })).token
    },
  })
  await send(server, { token: tokenId }, 'before')
  await messages.next()
  await revoke(server, tokenId)
  const other = await issueToken(server, { ...device, device: 'revoked' })
  await send(server, { token: other.tokenId }, 'after')
  t.equal((await messages.next()).text, 'after')
  t.same(asked, ['TOKEN_REVOKED', 'TOKEN_REVOKED'])
  t.not(listener.token, token)
})

await t.test('refused, with none', async (t) => {
  const { token, tokenId } = await issueToken(server, { ...device, device: 'gone' })
  const { listener, states } = startListening(t, server, { token })
  await send(server, { token: tokenId }, 'one')
  await revoke(server, tokenId)
  t.equal(await endOf(listener), 'TOKEN_REVOKED')
  t.equal(states.at(-1), 'closed')
  const wrong = startListening(t, server, { token: 'wrong', getToken: () => undefined })
  t.equal(await endOf(wrong.listener), 'CREDENTIALS_INVALID')
  const provider = startListening(t, server, { token: server.providerKey })
  t.equal(await endOf(provider.listener), 'NOT_A_DEVICE')
  const { token: short } = await issueToken(server, { ...device, device: 'expired', ttl: 1 })
  await pause(1_500)
  t.equal(await endOf(startListening(t, server, { token: short, transport: 'poll' }).listener), 'TOKEN_EXPIRED')
})

await t.test('the account of the device changes, and the cursor of one is none of the other', async (t) => {
  const ann = await issueToken(server, { ...device, device: 'shared' })
  let bob = ann
  const { messages } = startListening(t, server, { token: ann.token, getToken: () => bob.token })
  await send(server, { token: ann.tokenId }, 'to ann')
  await messages.next()
  bob = await issueToken(server, { ...device, device: 'shared', account: 'bob' })
  await send(server, { token: ann.tokenId }, 'to ann, who is away')
  await send(server, { token: bob.tokenId }, 'to bob')
  t.equal((await messages.next()).text, 'to bob')
  t.same(messages.pending, [])
})

await t.test('it cannot be renewed any more: it holds until its end', async (t) => {
  const soon = new Date(Date.now() + 3_000).toISOString()
  const body = { ...device, device: 'fixed', ttl: 6, renewUntil: soon }
  const { token, tokenId } = (await request(server, 'POST', '/v1/tokens', { body })).body
  const { listener, errors, texts } = startListening(t, server, { token })
  await errors.nextWhere(({ code }) => code === 'TOKEN_NOT_RENEWABLE')
  await send(server, { token: tokenId }, 'still')
  t.same(await texts(1), ['still'])
  t.equal(await endOf(listener), 'TOKEN_EXPIRED')
  const again = await issueToken(server, { ...device, device: 'fixed' })
  t.equal((await lookup(server, again.token)).messages.length, 0)
})
