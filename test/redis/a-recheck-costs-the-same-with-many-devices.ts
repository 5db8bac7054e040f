// Are lost wakes looked for without a command for each connected device?
import { Redis as Client } from 'ioredis'
import { t } from '../support/tap.ts'
import { startNode } from '../nodes/support/nodes.ts'
import { batchWorld } from '../support/batches.ts'
import { startRedis } from '../support/index.ts'

const DEVICES = 500
const RECHECKS = 6
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
  // What 500 connections have left to do may come in the first of them: the cheapest counts.
  let least = Infinity
  let commands: Record<string, number> = {}
  let counts = 0
  let rechecks = 0
  await new Promise<void>((resolve) => {
    monitor.on('monitor', (_time: string, [name = '', key = '']: string[]) => {
      commands[name] = (commands[name] ?? 0) + 1
      // The lane is asked twice a recheck how many wakes it told this node.
      if (name === 'GET' && key.startsWith('{push:j}0w')) counts += 1
      if (counts < 2) return
      counts = 0
      const sum = Object.values(commands).reduce((sum, calls) => sum + calls, 0)
      t.comment(`${sum} commands in a recheck, ${JSON.stringify(commands)}`)
      rechecks += 1
      least = Math.min(least, sum)
      commands = {}
      if (rechecks === RECHECKS) resolve()
    })
  })
  t.ok(least > 0 && least < MOST, `${least} commands in a recheck of ${DEVICES} devices, at most ${MOST}`)
})
