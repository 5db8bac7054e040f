// Do webhooks go on by themselves after Redis hung, and after the node that delivers hung, with nothing lost or out of order?
import { t } from '../../support/tap.ts'
import { startNodeProcesses } from '../../nodes/support/nodes.ts'
import {
  type ApiTarget,
  eventually,
  issueToken,
  metric,
  request,
  startRedis,
  startServer,
} from '../../support/index.ts'
import { APP, findWebhook, makeWebhook } from './support/api.ts'
import { Ledger } from './support/ledger.ts'
import { MAY_CALL, startReceiver } from './support/receiver.ts'

const SETTINGS = {
  ...MAY_CALL,
  PUSH_PROVIDER_KEY: 'provider-key-of-the-tests-0123456789',
  PUSH_WEBHOOK_RETRIES: '1,1,1,1,1,1,1,1,1,1',
}

/** Messages to one device that end, in order. */
async function sender(server: ApiTarget) {
  const { tokenId } = await issueToken(server, { app: APP, device: 'a' })
  const sent: string[] = []
  return {
    sent: new Map([[tokenId, sent]]),
    async send(count: number, through: ApiTarget = server) {
      for (let at = 0; at < count; at += 1) {
        const id = `m${sent.length}`
        const to = { token: tokenId }
        const body = { to, payload: 'x', id, receipt: true }
        const done = async () =>
          (await request(through, 'POST', '/v1/messages', { body })).status === 202 &&
          (await request(through, 'POST', `/v1/messages/${id}/recall`, { body: { to } })).status === 200
        await eventually('it is sent and recalled', done)
        sent.push(id)
      }
    },
  }
}

await t.test('Redis hangs', async (t) => {
  const redis = await startRedis(t)
  const server = await startServer(t, { settings: { ...SETTINGS, PUSH_REDIS_URL: redis.url } })
  const receiver = await startReceiver(t)
  const ledger = new Ledger()
  let isHanging = false
  receiver.answer = (response, call) => {
    ledger.take(call)
    // It hangs between the answer and its acknowledgement.
    if (isHanging) redis.freeze()
    isHanging = false
    response.writeHead(200).end()
  }
  const made = await makeWebhook(server, receiver.url, { types: ['message.*'] })
  const { sent, send } = await sender(server)
  await send(3)
  await eventually('all has arrived', () => ledger.events === 3)
  isHanging = true
  await send(1).catch(() => undefined)
  await eventually('it hangs', () => !isHanging)
  const thaw = setTimeout(() => redis.thaw(), 7_000)
  t.teardown(() => clearTimeout(thaw))
  await send(3)
  await eventually('all has arrived', () => ledger.events === 7)
  ledger.check(t, sent)
  t.match(await findWebhook(server, made), { state: 'enabled' })
})

await t.test('a node hangs', async (t) => {
  const redis = await startRedis(t)
  const nodes = await startNodeProcesses(t, redis.url, 2, SETTINGS)
  const receiver = await startReceiver(t)
  const ledger = new Ledger()
  receiver.answer = (response, call) => {
    ledger.take(call)
    response.writeHead(200).end()
  }
  await makeWebhook(nodes[0]!, receiver.url, { types: ['message.*'] })
  const { sent, send } = await sender(nodes[0]!)
  await send(2)
  await eventually('all has arrived', () => ledger.events === 2)
  const counts = await Promise.all(nodes.map((node) => metric(node, 'push_webhook_calls_total', 'outcome="delivered"')))
  const delivers = nodes[counts[0] === 0 ? 1 : 0]!
  const other = nodes.find((node) => node !== delivers)!
  process.kill(delivers.pid, 'SIGSTOP')
  await send(3, other)
  await eventually('the other one delivers', () => ledger.events === 5)
  process.kill(delivers.pid, 'SIGCONT')
  await send(2, delivers)
  await eventually('all has arrived', () => ledger.events === 7)
  ledger.check(t, sent)
})
