// RETAIN 1, 0, 1, 0, 0: does what one publisher sends arrive, and lie in logs, in its order [MQTT-4.6.0-6]?
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { general, listen, listenKept, logOf, onEachStore } from './support/router.ts'

const RETAIN = [true, false, true, false, false]
const ALL = Array.from({ length: 200 }, (_, at) => String(at))

await onEachStore(t, async (t, open) => {
  const { store, router } = await open()
  const live = await listen(router, 'live', 'a/#')
  const elsewhere = await listen((await open()).router, 'elsewhere', '+/b')
  const kept = await listenKept(store, router, 'kept', { filter: 'a/+', qos: 1 })
  for (const qos of [0, 1, 2] as const) {
    live.arrivals.length = 0
    elsewhere.arrivals.length = 0
    const publishes = ALL.map((text, at) =>
      router.publish(general('a/b', text, { qos, retain: RETAIN[at % RETAIN.length] === true })),
    )
    t.same(new Set(await Promise.all(publishes)), new Set([true]))
    t.same(live.texts, ALL, `QoS ${qos}`)
    await eventually('all of them', () => elsewhere.arrivals.length === ALL.length)
    t.same(elsewhere.texts, ALL, `QoS ${qos}, perhaps on another node`)
  }
  t.same(kept.texts, ALL, 'QoS 0 does not come from the log')
  t.same(await logOf(store, 'kept'), [...ALL, ...ALL])
})
