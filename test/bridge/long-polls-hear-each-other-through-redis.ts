// With two nodes on one Redis, does a lookup that waits at one of them end by what happens at the other?
import { t } from '../support/tap.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { ack, type Answer, issueToken, request, revoke, send } from '../support/api.ts'
import { startRedis } from '../support/redis.ts'
import { eventually, within } from '../support/waiting.ts'
import { serve, type Served } from './support/serve.ts'

await t.test('private, broadcast, revoked', async (t) => {
  const { url } = await startRedis(t)
  let reads = 0
  const node = () =>
    serve(t, {
      limits: { longPollRecheckMs: 3_600_000 },
      engine: (now) => openRedisStore({ url, now }),
      around: (store) => ({
        readPrivate(...request) {
          reads++
          return store.readPrivate(...request)
        },
      }),
    })
  const [here, there] = [await node(), await node()]
  const device = await issueToken(here, { app: 'chat', device: 'phone', version: '2.0.0' })

  async function waitAt(served: Served) {
    const before = reads
    const answer = request(served, 'GET', '/v1/messages?wait=60', { bearer: device.token })
    await eventually('the first look', () => reads > before)
    return { answer }
  }
  async function arrives(waiting: { answer: Promise<Answer> }, payload: string) {
    const { status, body } = await within(payload, waiting.answer)
    t.match({ status, body }, { status: 200, body: { messages: [{ payload }] } })
    await ack(here, device.token, body.cursor)
  }

  const forPrivate = await waitAt(there)
  await send(here, { token: device.tokenId }, 'private')
  await arrives(forPrivate, 'private')

  const forBroadcast = await waitAt(there)
  await send(here, { app: 'chat', versions: '>=2' }, 'broadcast')
  await arrives(forBroadcast, 'broadcast')

  const { answer } = await waitAt(here)
  await revoke(here, device.tokenId)
  t.match(await within('the end', answer), { status: 403, body: { code: 'TOKEN_REVOKED' } })
})
