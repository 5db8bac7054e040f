// Can long polls pile up, when clients go away, come again and again, or are simply many?
import { t } from '../support/tap.ts'
import { issueToken, lookup, request, send } from '../support/api.ts'
import { eventually, within } from '../support/waiting.ts'
import { serve } from './support/serve.ts'

await t.test('limits and clients that leave', async (t) => {
  const followed = new Map<string, number>()
  const api = await serve(t, {
    limits: { waiting: 3, waitingPerToken: 2, longPollRecheckMs: 3_600_000 },
    around: (store) => ({
      async follow(tokenId) {
        const stop = await store.follow(tokenId)
        followed.set(tokenId, (followed.get(tokenId) ?? 0) + 1)
        return () => {
          followed.set(tokenId, (followed.get(tokenId) ?? 0) - 1)
          stop()
        }
      },
    }),
  })
  const [a, b] = await Promise.all(['a', 'b'].map((device) => issueToken(api, { app: 'chat', device })))
  const leave = new AbortController()
  const oldest = lookup(api, a!.token, { wait: 60 })
  await eventually('the first waits', () => followed.get(a!.tokenId) === 1)
  const second = lookup(api, a!.token, { wait: 60, signal: leave.signal })
  const third = lookup(api, a!.token, { wait: 60, signal: leave.signal })
  t.match(await within('room for the third of one token', oldest), { messages: [], more: false })
  t.equal(followed.get(a!.tokenId), 1, 'followed once for all')

  const gone = new AbortController()
  const ofB = lookup(api, b!.token, { wait: 60, signal: gone.signal })
  await eventually('b waits', () => followed.get(b!.tokenId) === 1)
  const refused = await request(api, 'GET', '/v1/messages?wait=60', { bearer: b!.token })
  t.match(refused, { status: 429, body: { code: 'RATE_LIMITED' }, headers: { 'retry-after': String } })
  t.match(await lookup(api, b!.token), { messages: [] }, 'without waiting it works')

  gone.abort()
  await t.rejects(ofB)
  await eventually('b is forgotten', () => followed.get(b!.tokenId) === 0)
  leave.abort()
  await t.rejects(second)
  await t.rejects(third)
  await eventually('a is forgotten', () => followed.get(a!.tokenId) === 0)

  const again = lookup(api, b!.token, { wait: 60 })
  await send(api, { token: b!.token }, 'there is room again')
  t.match(await within('the message', again), { messages: [{ payload: 'there is room again' }] })
})
