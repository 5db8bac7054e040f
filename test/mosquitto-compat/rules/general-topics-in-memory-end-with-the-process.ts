// With general topics in memory, is what users left gone after a restart, and what was pushed there as ever?
import { t } from '../../support/tap.ts'
import { connectDevice, connectProvider } from '../../support/index.ts'
import { arrival, join, publish, ruled } from './support/ruled.ts'

await t.test('a restart', async (t) => {
  const first = await ruled(t, { generalStore: 'memory' })
  const target = await first.listen()
  const issued = await first.push.issueToken({ app: 'shop', device: 'phone', account: 'ann' })
  const kept = { clean: false, level: 4 as const }
  const ann = await join(t, target, 'ann', kept)
  await ann.raw.subscribe(['a', '$share/g/b'], 1)
  await ann.raw.end()
  const bob = await join(t, target, 'bob', { level: 4 })
  publish(bob.raw, 'a', 'waits', { retain: true })
  await bob.raw.next('puback')
  const again = await join(t, target, 'ann', kept)
  t.equal(again.connack.sessionPresent, true)
  t.match(await arrival(again.raw), { text: 'waits' }, 'it is kept as long as the process lives')
  const provider = await connectProvider(t, target)
  await provider.publish(issued.topics.private, 'pushed')
  t.match(await first.push.general.stored(), { retained: 1 })
  await first.close()

  const { listen, push } = await ruled(t, { generalStore: 'memory', dataDir: first.dataDir })
  const later = await listen()
  t.match(await push.general.stored(), { retained: 0, sessionsAway: 0 })
  const back = await join(t, later, 'ann', kept)
  t.equal(back.connack.sessionPresent, false)
  const device = await connectDevice(t, later, issued.token)
  await device.subscribe(issued.topics.private)
  t.equal((await device.next()).text, 'pushed', 'what was pushed is there')
})

await t.test('with Redis it is refused', async (t) => {
  const both = ruled(t, { generalStore: 'memory', redisUrl: 'redis://127.0.0.1:1' })
  await t.rejects(both, /generalStore "memory" is for the embedded store/)
})
