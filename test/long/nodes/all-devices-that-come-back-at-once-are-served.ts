// After all nodes were killed, thousands of devices reconnect at the same time: is every one served, with its session?
import { Agent } from 'node:http'
import { t } from '../../support/tap.ts'
import { issueToken, request, send } from '../../support/index.ts'
import { board, type FleetDevice, fleetDevice } from '../../nodes/support/fleet.ts'
import { twoNodeProcesses } from '../../nodes/support/nodes.ts'
import { cpuOf, RedisObserver } from '../../nodes/support/redis-work.ts'

const DEVICES = 10_000
const TOGETHER = 50
const app = 'shop'

await t.test(`${DEVICES} devices come back at once`, async (t) => {
  const { redis, a, b } = await twoNodeProcesses(t)
  const nodes = [a, b]
  const observer = new RedisObserver(t, redis)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())

  const fleet: FleetDevice[] = []
  t.teardown(() => fleet.forEach(({ socket }) => socket?.destroy()))
  let arrivals = 0
  let complete: () => void = () => undefined
  const arrived = (): void => {
    arrivals += 1
    if (arrivals >= 2 * DEVICES) complete()
  }
  for (let from = 0; from < DEVICES; from += TOGETHER) {
    const some = Array.from({ length: Math.min(TOGETHER, DEVICES - from) }, async (_, at) => {
      const number = from + at
      const names = { app, device: `device-${number}`, account: `account-${number}`, version: '1.0.0' }
      const device = fleetDevice(await issueToken(a, names))
      fleet.push(device)
      await board(device, nodes[at % 2]!.mqttPort, arrived)
    })
    await Promise.all(some)
  }

  await Promise.all(nodes.map((node) => node.kill()))
  await Promise.all(nodes.map((node) => node.restart()))
  // What was sent while they were away, to everybody alone and to all.
  for (let from = 0; from < DEVICES; from += 1_000) {
    const tokens = fleet.slice(from, from + 1_000).map(({ issued }) => issued.tokenId)
    await send(a, { tokens }, 'private', { agent })
  }
  await send(b, { app, versions: '*' }, 'broadcast', { agent })

  const before = nodes.map(({ pid }) => cpuOf(pid))
  const start = performance.now()
  let connectedAfter = 0
  let resumed = 0
  const work = await observer.of(async () => {
    const all = new Promise<void>((resolve) => (complete = resolve))
    const connacks = await Promise.all(fleet.map((device, at) => board(device, nodes[at % 2]!.mqttPort, arrived)))
    connectedAfter = performance.now() - start
    resumed = connacks.filter(({ sessionPresent }) => sessionPresent).length
    await all
  })
  const servedAfter = performance.now() - start
  const cpu = nodes.reduce((sum, { pid }, at) => sum + cpuOf(pid) - before[at]!, 0)

  t.comment(
    `all connected after ${connectedAfter.toFixed(0)} ms, all messages there after ${servedAfter.toFixed(0)} ms`,
  )
  t.comment(`commands of Redis a device: ${(work.total / DEVICES).toFixed(2)} in all`)
  t.comment(
    Object.entries(work.commands)
      .map(([name, calls]) => `${name} ${(calls / DEVICES).toFixed(2)}`)
      .join(', '),
  )
  t.comment(
    `CPU a device: ${(work.cpu / DEVICES).toFixed(0)} us in Redis, ${(cpu / DEVICES).toFixed(0)} us in the nodes`,
  )
  t.equal(resumed, DEVICES, 'every session is resumed')
  t.same(
    fleet.filter(({ texts }) => !(texts.includes('private') && texts.includes('broadcast'))).length,
    0,
    'every device got what was sent while it was away',
  )
  for (const node of nodes) t.equal((await request(node, 'GET', '/readyz', { bearer: null })).status, 200)
})
