// Does a client with a small Receive Maximum get all of 5,000 retained messages, whether its session is kept or not?
import { t } from '../support/tap.ts'
import { connect } from '../support/index.ts'
import { serve } from './support/serve.ts'

const MESSAGES = 5_000
const ANN = { username: 'ann', password: 'x' }
const server = await serve(t)
const writer = await connect(t, server, ANN)
await Promise.all(
  Array.from({ length: MESSAGES }, (_, each) => writer.publish(`many/${each}`, `${each}`, { qos: 1, retain: true })),
)

for (const sessionExpiryInterval of [0, 100])
  for (const qos of [0, 1, 2] as const)
    await t.test(`QoS ${qos}, ${sessionExpiryInterval === 0 ? 'memory' : 'log'}`, async (t) => {
      const properties = { receiveMaximum: 20, sessionExpiryInterval }
      const how = { clientId: `reader-${qos}-${sessionExpiryInterval}`, properties }
      const reader = await connect(t, server, ANN, how)
      await reader.subscribe('many/#', { qos })
      const arrivals = await reader.nextN(MESSAGES)
      t.equal(new Set(arrivals.map(({ text }) => text)).size, MESSAGES)
      t.ok(arrivals.every(({ retain, qos: sent }) => retain && sent === Math.min(qos, 1)))
    })
