// Do users of a listener with a mount point live below it without seeing it, and does everybody else see where they are?
import { t } from '../../support/tap.ts'
import { type User } from '../../../index.ts'
import { arrival, join, people, publish, ruled } from './support/ruled.ts'

await t.test('topics and filters', async (t) => {
  const { listen } = await ruled(t)
  const [plain, mounted] = [await listen(), await listen({ mountPoint: 'house/' })]
  const all = await join(t, plain, 'all')
  await all.raw.subscribe('#')
  const inside = await join(t, mounted, 'inside', { clean: false, properties: { sessionExpiryInterval: 100 } })
  await inside.raw.subscribe(['lamp/+', '$share/group/shared'])

  publish(inside.raw, 'lamp/1', 'on', { retain: true, properties: { responseTopic: 'answer' } })
  const { topic, properties } = await all.raw.next('publish')
  t.match({ topic, properties }, { topic: 'house/lamp/1', properties: { responseTopic: 'answer' } })
  t.match(await arrival(inside.raw), { topic: 'lamp/1', text: 'on' })
  publish(all.raw, 'house/shared', 'for one')
  t.match(await arrival(all.raw), { topic: 'house/shared' })
  t.match(await arrival(inside.raw), { topic: 'shared', text: 'for one' })

  const later = await join(t, mounted, 'later', { level: 4 })
  await later.raw.subscribe('#')
  t.match(await arrival(later.raw), { topic: 'lamp/1', retain: true }, 'what is retained')

  inside.raw.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['lamp/+', '$share/group/shared', 'other'] })
  t.same((await inside.raw.next('unsuback')).granted, [0, 0, 0x11])

  const will = { topic: 'gone', payload: Buffer.from('w'), qos: 0 as const, retain: false }
  const lost = await join(t, mounted, 'lost', { will })
  await lost.raw.reset()
  t.match(await arrival(all.raw), { topic: 'house/gone', text: 'w' })
})

await t.test('a kept session, and rules', async (t) => {
  const seen: string[] = []
  const rules: Partial<User> = {
    mayPublish: (topic) => seen.push(`publish ${topic}`) > 0,
    maySubscribe: (filter, qos) => (seen.push(`subscribe ${filter}`), qos),
    mayReceive: (topic) => seen.push(`receive ${topic}`) > 0,
  }
  const { listen } = await ruled(t, { users: people(() => rules) })
  const mounted = await listen({ mountPoint: 'm/' })
  const kept = { clean: false, level: 4 as const }
  const first = await join(t, mounted, 'kept', kept)
  await first.raw.subscribe('a', 1)
  await first.raw.end()
  const other = await join(t, mounted, 'other', { level: 4 })
  publish(other.raw, 'a', 'waits')
  await other.raw.next('puback')
  const again = await join(t, mounted, 'kept', kept)
  t.match(await arrival(again.raw), { topic: 'a', text: 'waits', qos: 1 })
  t.same(seen, ['subscribe m/a', 'publish m/a', 'receive m/a'])
})

await t.test('another listener shows nothing of it', async (t) => {
  const { listen } = await ruled(t, { users: people(() => ({}), { sessionsByClientId: true }) })
  const [one, two] = [await listen({ mountPoint: 'one/' }), await listen({ mountPoint: 'two/' })]
  const first = await join(t, one, 'same', { clean: false, level: 4, username: 'ann' })
  await first.raw.subscribe('a', 1)
  const second = await join(t, two, 'same', { clean: false, level: 4, username: 'bob' })
  await t.rejects(first.raw.next(), /closed the connection/, 'a client id is known over all listeners')
  t.equal(second.connack.sessionPresent, true)
  const sender = await join(t, one, 'sender')
  publish(sender.raw, 'a', 'of one')
  await sender.raw.next('puback')
  await second.raw.subscribe('a', 1)
  publish(second.raw, 'a', 'of two')
  await second.raw.next('puback')
  t.match(await arrival(second.raw), { text: 'of two' }, 'what lies outside is not sent')
})
