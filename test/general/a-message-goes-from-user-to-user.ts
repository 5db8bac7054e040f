// Does a message of each QoS go from one user to another, on each version of MQTT, kept or not?
import { t } from '../support/tap.ts'
import { connect } from '../support/index.ts'
import { serve } from './support/serve.ts'

const server = await serve(t)
const ANN = { username: 'ann', password: 'x' }

for (const protocolVersion of [3, 4, 5] as const)
  for (const clean of [true, false])
    await t.test(`MQTT ${protocolVersion}, ${clean ? 'clean' : 'kept'}`, async (t) => {
      const how = (clientId: string) => ({
        protocolVersion,
        clean,
        clientId: `${clientId}-${protocolVersion}-${clean}`,
        ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: clean ? 0 : 100 } } : {}),
      })
      const subscriber = await connect(t, server, ANN, how('subscriber'))
      const publisher = await connect(t, server, ANN, how('publisher'))
      t.same(await subscriber.subscribe('room/+', { qos: 2 }), [2])
      for (const qos of [0, 1, 2] as const) {
        await publisher.publish('room/a', `text ${qos}`, { qos })
        t.match(await subscriber.next(), { topic: 'room/a', text: `text ${qos}`, qos, dup: false, retain: false })
      }
      await publisher.publish('other/a', 'for nobody')
      await publisher.publish('room/a', 'last', { qos: 2 })
      t.equal((await subscriber.next()).text, 'last')
    })
