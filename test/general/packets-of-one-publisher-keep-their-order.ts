// Do messages of one publisher arrive in its order whatever RETAIN and QoS are, and does SUBSCRIBE wait for what was published before?
import { t } from '../support/tap.ts'
import { connect } from '../support/index.ts'
import { join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const ANN = { username: 'ann', password: 'x' }
const server = await serve(t)

for (const sessionExpiryInterval of [0, 100])
  await t.test(sessionExpiryInterval === 0 ? 'memory' : 'log', async (t) => {
    const topic = `order/${sessionExpiryInterval}`
    const reader = await connect(t, server, ANN, { properties: { sessionExpiryInterval } })
    await reader.subscribe(topic, { qos: 2 })
    const { raw } = await join(t, server, `writer-${sessionExpiryInterval}`)
    for (let each = 1; each <= 60; each++)
      publish(raw, topic, `${each}`, each, { qos: 1, retain: [1, 3, 4].includes(each % 5) })
    const texts = (await reader.nextN(60)).map(({ text }) => Number(text))
    t.same(
      texts,
      Array.from({ length: 60 }, (_, each) => each + 1),
    )
  })

await t.test('QoS 2 that waits for the store lets nothing pass', async (t) => {
  const reader = await connect(t, server, ANN)
  await reader.subscribe('mixed', { qos: 2 })
  const { raw } = await join(t, server, 'mixed')
  for (let each = 1; each <= 30; each++) publish(raw, 'mixed', `${each}`, each, { qos: each % 3 })
  const texts = (await reader.nextN(30)).map(({ text }) => Number(text))
  // From the same publisher, across QoS too: the receiver's handshakes do not reorder them.
  t.same(
    texts.toSorted((a, b) => a - b),
    Array.from({ length: 30 }, (_, each) => each + 1),
  )
})

await t.test('SUBSCRIBE comes after what was published before it', async (t) => {
  const { raw } = await join(t, server, 'both')
  for (let round = 1; round <= 10; round++) {
    publish(raw, `both/${round}`, 'before', round, { qos: round % 2 })
    raw.send({ cmd: 'subscribe', messageId: 100 + round, subscriptions: [{ topic: `both/${round}`, qos: 1 }] })
    publish(raw, `both/${round}`, 'after', 200 + round, { qos: 1 })
    const packet = await raw.next('publish')
    t.equal(packet.payload.toString(), 'after')
    raw.puback(packet)
  }
})
