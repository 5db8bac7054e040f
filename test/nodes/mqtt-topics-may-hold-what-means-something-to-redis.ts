// Do subscriptions over two nodes work for topics that hold characters of Redis' patterns, and end when they are ended?
import { t } from '../support/tap.ts'
import { connect, type Device, eventually, startRedis } from '../support/index.ts'
import { embed, JOE } from '../plugin/support/embed.ts'

/** Filters with the topics that they match; all of the topics are published. */
const MATCHES: Readonly<Record<string, readonly string[]>> = {
  'a[1]/+': ['a[1]/x'],
  'a*/+': ['a*/x'],
  'a?/#': ['a?/x', 'a?'],
  'a\\b/+': ['a\\b/x'],
  'a^/x': ['a^/x'],
  'plain/*': ['plain/*'],
  'plain/+': ['plain/*', 'plain/y'],
  '**/#': ['**/x'],
  '+/x': ['a[1]/x', 'a*/x', 'a?/x', 'a\\b/x', 'a^/x', '**/x', 'a1/x'],
}

await t.test('topics with the characters of a pattern', async (t) => {
  const { url: redisUrl } = await startRedis(t)
  const [near, far] = [await embed(t, { redisUrl }), await embed(t, { redisUrl })]
  const topics = [...new Set(Object.values(MATCHES).flat())]
  const publisher = await connect(t, far, JOE)
  for (const qos of [0, 1] as const) {
    const all: { filter: string; user: Device }[] = []
    for (const filter of Object.keys(MATCHES)) {
      const user = await connect(t, near, JOE)
      await user.subscribe(filter)
      all.push({ filter, user })
    }
    for (const topic of topics) await publisher.publish(topic, 'x', { qos })
    await eventually('as many as match', () =>
      all.every(({ filter, user }) => user.received.length >= MATCHES[filter]!.length),
    )
    for (const { filter, user } of all) {
      t.same(user.received.map(({ topic }) => topic).sort(), [...MATCHES[filter]!].sort(), filter)
      await user.end()
    }
  }
})

await t.test('a user with two filters ends one of them', async (t) => {
  const { url: redisUrl } = await startRedis(t)
  const [near, far] = [await embed(t, { redisUrl }), await embed(t, { redisUrl })]
  const user = await connect(t, near, JOE)
  await user.subscribe(['one', 'two'])
  await user.client.unsubscribeAsync('one')
  const publisher = await connect(t, far, JOE)
  for (const topic of ['one', 'two']) await publisher.publish(topic, 'x', { qos: 1 })
  t.equal((await user.next()).topic, 'two')
})
