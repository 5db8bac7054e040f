// Does a device that only looks up hear what is for now or never, what it missed, and is what it acknowledges late acknowledged?
import { t } from '../support/tap.ts'
import { ack, eventually, issueToken, lookup, request, send, type Server } from '../support/index.ts'
import { onEachEngine } from '../tokens/support/engines.ts'

const stateOf = async (server: Server, id: string, token: string) =>
  (await request(server, 'GET', `/v1/messages/${id}/status?token=${token}`)).body.state

await onEachEngine(
  t,
  async (t, { one, other }) => {
    const issue = (device: string) => issueToken(one, { app: 'chat', device, version: '1.0.0' })

    await t.test('for now or never', async (t) => {
      const { token, tokenId } = await issue('now')
      const now = { ttl: 0, id: 'typing' }
      t.match(await send(one, { token: tokenId }, 'nobody waits', now), { id: 'typing', accepted: 1 })
      for (const [to, payload] of [
        [{ token: tokenId }, 'own'],
        [{ app: 'chat', version: '1.0.0' }, 'shared'],
      ] as const) {
        const poll = lookup(other, token, { wait: 20 })
        let isOver = false
        poll.then(
          () => (isOver = true),
          () => (isOver = true),
        )
        // It is for who waits, and nobody can see from outside when that begins on the other node.
        await eventually('the answer', async () => {
          await send(one, to, payload, now)
          return isOver
        })
        const { messages } = await poll
        t.match(messages, [{ id: 'typing', payload }])
      }
      t.same((await lookup(one, token)).messages, [], 'nothing is stored')
      t.equal(await stateOf(one, 'typing', tokenId), undefined)
      for (const more of [{ retain: true }, { receipt: true }, { collapseKey: 'k' }]) {
        const body = { to: { token: tokenId }, payload: 'x', ttl: 0, ...more }
        t.match(await request(one, 'POST', '/v1/messages', { body }), { status: 400, body: { code: 'NOW_OR_NEVER' } })
      }
      const gone = await send(one, { token: 'A'.repeat(22) }, 'x', now)
      t.match(gone.rejected, [{ code: 'TOKEN_UNKNOWN' }])
    })

    await t.test('what it missed', async (t) => {
      const { token, tokenId } = await issue('full')
      for (let number = 1; number <= 5; number += 1)
        await send(one, { token: tokenId }, `${number}`, { id: `m${number}` })
      const first = await lookup(other, token, { limit: 2 })
      t.match(first.messages, [
        { payload: '3', missed: 2 },
        { payload: '4', missed: 2 },
      ])
      t.equal(await stateOf(other, 'm1', tokenId), 'dropped')
      t.match((await lookup(one, token)).messages, [{ missed: 2 }, { missed: 2 }, { missed: 2 }], 'until it is passed')
      await ack(one, token, first.cursor)
      const [last, ...rest] = (await lookup(other, token)).messages
      t.match(last, { payload: '5' })
      t.same(rest, [])
      t.notOk(last !== undefined && 'missed' in last)
    })

    await t.test('what ends while it is looked at', async (t) => {
      const { token, tokenId } = await issue('late')
      await send(one, { token: tokenId }, 'late', { id: 'late', ttl: 1 })
      await send(one, { token: tokenId }, 'never', { id: 'never', ttl: 2 })
      const first = await lookup(one, token, { limit: 1 })
      t.match(first.messages, [{ id: 'late' }])
      await eventually('the end of both', async () => (await stateOf(other, 'never', tokenId)) === 'expired')
      t.equal(await stateOf(one, 'late', tokenId), 'expired', 'while nobody acknowledges it')
      await ack(other, token, first.cursor)
      t.equal(await stateOf(one, 'late', tokenId), 'acknowledged', 'it was there in time')
      await send(one, { token: tokenId }, 'next', { id: 'next' })
      const second = await lookup(one, token)
      t.match(second.messages, [{ id: 'next' }])
      await ack(one, token, second.cursor)
      t.equal(await stateOf(other, 'next', tokenId), 'acknowledged')
      t.equal(await stateOf(other, 'never', tokenId), 'expired', 'passed, and never on a page')
    })
  },
  { settings: { PUSH_MAX_PENDING_MESSAGES: '3' } },
)
