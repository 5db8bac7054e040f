// Do the masters of a Cluster share what the devices of one app publish, message by message and byte by byte?
import { Redis } from 'ioredis'
import { t } from '../../support/tap.ts'
import { connectDevice, connectProvider, issueToken, startRedisCluster } from '../../support/index.ts'
import { startNode } from '../../nodes/support/nodes.ts'

const DEVICES = 200
const EACH = 20
const MESSAGES = DEVICES * EACH
const KEPT = { clean: false, clientId: 'backend', properties: { sessionExpiryInterval: 3600 } }

await t.test(`${MESSAGES} messages of ${DEVICES} devices of one app`, async (t) => {
  const cluster = await startRedisCluster(t)
  const node = await startNode(t, cluster.url, { PUSH_SWEEP: '3600' })
  const provider = await connectProvider(t, node, KEPT)
  await provider.subscribe('shop/u/#')
  await provider.end()
  const devices = await Promise.all(
    Array.from({ length: DEVICES }, async (_, index) => {
      const issued = await issueToken(node, { app: 'shop', device: `phone-${index}`, account: 'ann' })
      const device = await connectDevice(t, node, issued)
      return (text: string) => device.publish(`shop/u/${issued.tokenId}/said`, text)
    }),
  )
  const masters = cluster.nodes.map(({ port }) => new Redis(port))
  t.teardown(() => masters.forEach((master) => master.disconnect()))
  const cpu = async (master: Redis): Promise<number> => {
    const info = await master.info('cpu')
    const time = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1])
    return time('used_cpu_user_main_thread') + time('used_cpu_sys_main_thread')
  }
  const before = await Promise.all(masters.map(cpu))
  for (let round = 0; round < EACH; round += 1)
    await Promise.all(devices.map((publish, index) => publish(`${index}.${round}`)))
  const spent = (await Promise.all(masters.map(cpu))).map((after, index) => after - (before[index] ?? 0))
  const entries = await Promise.all(masters.map(entriesOf))
  const total = spent.reduce((sum, each) => sum + each, 0)
  const shares = spent.map((each) => Math.round((100 * each) / total))
  t.comment(
    `messages ${entries.join(', ')}; CPU ${shares.join(', ')} %; ${Math.round((total / MESSAGES) * 1e6)} us a message`,
  )
  t.equal(
    entries.reduce((sum, count) => sum + count, 0),
    MESSAGES,
  )
  for (const count of entries) t.ok(count > MESSAGES / 3 / 1.5 && count < (MESSAGES / 3) * 1.5, `a master has ${count}`)

  const again = await connectProvider(t, node, KEPT)
  t.equal(new Set((await again.nextN(MESSAGES)).map(({ text }) => text)).size, MESSAGES, 'all of them arrive')
})

/** How many entries of the upstream logs of the app a master holds. */
async function entriesOf(master: Redis): Promise<number> {
  let count = 0
  for (let cursor = '0'; ; ) {
    const [next, keys] = await master.scan(cursor, 'MATCH', '{push:*}ulshop', 'COUNT', 1_000)
    for (const key of keys) count += await master.hlen(key)
    if (next === '0') return count
    cursor = next
  }
}
