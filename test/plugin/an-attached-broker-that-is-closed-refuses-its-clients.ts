// When the embedder closes its broker, are users served on, and is a client of that broker told so?
import { t } from '../support/tap.ts'
import { connect, connectRaw } from '../support/index.ts'
import { attach, JOE, usersWithJoe } from './support/embed.ts'

await t.test('users are served on, and clients of the broker refused', async (t) => {
  const embedded = await attach(t, {}, { users: usersWithJoe() })
  const user = await connect(t, embedded, JOE)
  await user.subscribe('#', { qos: 1 })
  await user.publish('a', 'before', { qos: 1, retain: true })
  await new Promise<void>((resolve) => embedded.broker.close(resolve))
  for (const retain of [true, false]) await user.publish('a', 'after', { qos: 1, retain })
  t.same(
    (await user.nextN(3)).map(({ text }) => text),
    ['before', 'after', 'after'],
  )
  const client = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  t.match(await client.connect({ clientId: 'client' }), { reasonCode: 0x88 })
  await client.closed
})
