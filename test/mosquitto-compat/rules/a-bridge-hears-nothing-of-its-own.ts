// Does the bridge bit of CONNECT mean No Local and Retain As Published on all that a bridge subscribes to?
import { t } from '../../support/tap.ts'
import { arrival, join, publish, ruled } from './support/ruled.ts'

for (const level of [3, 4] as const)
  await t.test(`protocol level ${level}`, async (t) => {
    const { listen } = await ruled(t)
    const target = await listen()
    const bridge = await join(t, target, 'bridge', { level, bridgeMode: true })
    t.equal(bridge.code, 0)
    await bridge.raw.subscribe('a')
    publish(bridge.raw, 'a', 'its own')
    await bridge.raw.next('puback')
    const other = await join(t, target, 'other', { level: 4 })
    publish(other.raw, 'a', 'of another', { retain: true })
    t.match(await arrival(bridge.raw), { text: 'of another', retain: true })
  })
