// Are lost wakes looked for without a command for each connected device?
import { Redis as Client } from 'ioredis'
import { t } from '../support/tap.ts'
import { startNode } from '../nodes/support/nodes.ts'
import { batchWorld } from '../support/batches.ts'
import { startRedis } from '../support/index.ts'

const DEVICES = 500
const RECHECKS = 4
/** Seen: some 40, with a look at each device once in 60 rechecks, and at small tables four times a second. One a device would be 500. */
const MOST = 100

await t.test('rechecks of connected devices', async (t) => {
  const redis = await startRedis(t)
  const node = await startNode(t, redis.url, { PUSH_SWEEP: '3600', PUSH_SESSION_RECHECK: '1' })
  const { issued, send } = await batchWorld(t, node, DEVICES)
  await send(
    issued.map(({ topics }) => topics.private),
    1,
  )
  const monitor = await new Client({ port: redis.port, retryStrategy: () => null }).monitor()
  t.teardown(() => monitor.disconnect())
  const commands: Record<string, number> = {}
  let counts = 0
  await new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, [name = '', key = '']: string[]) => {
      commands[name] = (commands[name] ?? 0) + 1
      // The lane is asked twice a recheck how many wakes it told this node.
      if (name === 'GET' && key.startsWith('{push:j}0w')) counts += 1
      if (counts === 2 * RECHECKS) resolve()
    })
  })
  const each = Object.values(commands).reduce((sum, calls) => sum + calls, 0) / RECHECKS
  t.comment(`${each.toFixed(1)} commands a recheck, ${JSON.stringify(commands)}`)
  t.ok(each < MOST, `${each.toFixed(1)} commands a recheck of ${DEVICES} devices, at most ${MOST}`)
})
