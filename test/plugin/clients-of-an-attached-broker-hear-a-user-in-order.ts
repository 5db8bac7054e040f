// RETAIN 1, 0, 1, 0, 0 of a user: do clients of the embedder's Aedes get it in this order [MQTT-4.6.0-6]?
import { t } from '../support/tap.ts'
import { connect } from '../support/index.ts'
import { attach, JOE, usersWithJoe } from './support/embed.ts'

await t.test('in order', async (t) => {
  const server = await attach(t, {}, { users: usersWithJoe() })
  const client = await connect(t, server, {})
  await client.subscribe('a/#', { qos: 2 })
  const joe = await connect(t, server, JOE)
  const texts = Array.from({ length: 100 }, (_, at) => String(at))
  for (const qos of [0, 1] as const) {
    const retain = (at: number): boolean => [true, false, true, false, false][at % 5] === true
    await Promise.all(texts.map((text, at) => joe.publish('a/b', text, { qos, retain: retain(at) })))
    t.same(
      (await client.nextN(texts.length)).map(({ text }) => text),
      texts,
      `QoS ${qos}`,
    )
  }
})
