// Is a subscription that was made at one node served by what is published at another right after its SUBACK?
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { general, listen, listenKept, logOf, onEachStore, subscription } from './support/router.ts'

await onEachStore(t, async (t, open) => {
  const [one, two] = [await open(), await open()]
  const live = await listen(one.router, 'live')
  const kept = await listenKept(one.store, one.router, 'kept')
  const both = [live, kept]
  const texts = Array.from({ length: 100 }, (_, at) => String(at))
  for (const text of texts) {
    const filters = [subscription({ filter: `a/${text}/+`, qos: 1 })]
    await Promise.all(both.map((receiver) => one.router.subscribe(receiver, filters)))
    for (const qos of [0, 1] as const)
      t.equal(await two.router.publish(general(`a/${text}/${qos}`, `${text} QoS ${qos}`, { qos })), true)
  }
  const all = texts.flatMap((text) => [`${text} QoS 0`, `${text} QoS 1`])
  await eventually('the last', () => live.texts.at(-1) === all.at(-1) && kept.arrivals.length === 100)
  t.same(live.texts, all)
  t.same(
    kept.texts,
    all.filter((text) => text.endsWith('0')),
  )
  t.same(
    await logOf(two.store, 'kept'),
    all.filter((text) => text.endsWith('1')),
  )

  await Promise.all(both.map((receiver) => one.router.unsubscribe(receiver, ['a/7/+'])))
  await two.router.publish(general('a/7/x', 'unsubscribed'))
  await two.router.publish(general('a/8/x', 'after it'))
  await eventually('what came after it', () => live.texts.at(-1) === 'after it')
  t.same(live.texts, [...all, 'after it'])
})
