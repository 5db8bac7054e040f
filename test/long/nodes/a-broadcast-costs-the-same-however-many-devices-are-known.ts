// Is a broadcast the same work, in commands and bytes of Redis, for 1,000 and for 100,000 devices that are offline?
import { Agent } from 'node:http'
import type { Test } from 'tap'
import { t } from '../../support/tap.ts'
import { send, startRedis } from '../../support/index.ts'
import { openStore, registerDevices } from '../../nodes/support/bulk.ts'
import { startNodeProcess } from '../../nodes/support/nodes.ts'
import { cpuOf, least, RedisObserver, type RedisWork } from '../../nodes/support/redis-work.ts'

const FEW = 1_000
const MANY = 100_000
const ROUNDS = 8
const BROADCASTS = 5
const FOR_CPU = 500
const PAYLOAD = 'x'.repeat(200)
const app = 'shop'

interface Cost {
  readonly work: RedisWork
  readonly redisCpu: number
  readonly nodeCpu: number
}

async function costOf(t: Test, devices: number): Promise<Cost> {
  // Neither the log of Redis nor its rehashing is what is looked at.
  const redis = await startRedis(t, { config: { appendonly: 'no', activerehashing: 'no' } })
  const store = await openStore(t, redis.url)
  await registerDevices(store, app, devices)
  await store.close()
  const node = await startNodeProcess(t, redis.url, { PUSH_SWEEP: '3600', PUSH_SESSION_RECHECK: '3600' })
  const observer = new RedisObserver(t, redis)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const broadcast = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent += 1) await send(node, { app, versions: '*' }, PAYLOAD, { agent })
  }
  // Offsets of two bytes from here on, in both.
  await broadcast(300)
  const work = await least(ROUNDS, () => observer.of(() => broadcast(BROADCASTS)))
  const before = cpuOf(node.pid)
  const { cpu } = await observer.of(() => broadcast(FOR_CPU))
  const cost = { work, redisCpu: cpu / FOR_CPU, nodeCpu: (cpuOf(node.pid) - before) / FOR_CPU }
  await node.stop()
  await redis.kill()
  return cost
}

await t.test(`a broadcast to ${FEW} and to ${MANY} devices`, async (t) => {
  const few = await costOf(t, FEW)
  const many = await costOf(t, MANY)
  for (const [devices, { work, redisCpu, nodeCpu }] of [
    [FEW, few],
    [MANY, many],
  ] as const) {
    t.comment(`${devices} devices: ${BROADCASTS} broadcasts are ${JSON.stringify(work.commands)}`)
    t.comment(`  ${work.bytesIn} bytes in, ${work.bytesOut} bytes out`)
    t.comment(`  CPU of one: ${redisCpu.toFixed(0)} us in Redis, ${nodeCpu.toFixed(0)} us in the node`)
  }
  const ratio = (many.redisCpu + many.nodeCpu) / (few.redisCpu + few.nodeCpu)
  t.comment(`CPU for ${MANY} devices is ${(ratio * 100).toFixed(0)} % of that for ${FEW}`)
  t.same(many.work.commands, few.work.commands, 'the same commands')
  t.equal(many.work.bytesIn, few.work.bytesIn, 'the same bytes to Redis')
  t.equal(many.work.bytesOut, few.work.bytesOut, 'the same bytes from Redis')
})
