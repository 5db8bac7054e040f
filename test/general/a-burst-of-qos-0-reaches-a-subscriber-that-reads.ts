// Does a user who reads get every QoS 0 message of a burst that comes in one turn?
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { connect, connectRaw, eventually } from '../support/index.ts'
import { embed, JOE } from '../plugin/support/embed.ts'

const MESSAGES = 5_000
const LAST = 'last'

await t.test('a burst', async (t) => {
  const embedded = await embed(t)
  const subscriber = await connect(t, embedded, JOE)
  await subscriber.subscribe('burst', { qos: 0 })
  const publisher = await connectRaw(t, embedded.mqttPort)
  await publisher.connect({ username: JOE.username, password: Buffer.from(JOE.password) })
  const publish = (payload: string) =>
    generate({ cmd: 'publish', topic: 'burst', payload, qos: 0, dup: false, retain: false })
  const one = publish('x'.repeat(2_000))
  publisher.sendBytes(Buffer.concat(Array.from({ length: MESSAGES }, () => one)))
  await publisher.ping()
  // The last may be dropped like the others while much waits.
  await eventually('the last message', () => {
    publisher.sendBytes(publish(LAST))
    return subscriber.received.some(({ text }) => text === LAST)
  })
  const arrived = subscriber.received.filter(({ text }) => text !== LAST)
  t.equal(arrived.length, MESSAGES, 'all of it arrives')
})
