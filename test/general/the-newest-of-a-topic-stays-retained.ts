// Of two retained messages that are sent without waiting, does the newer one stay, on each of 2,000 topics [MQTT-3.3.1-5]?
import { t } from '../support/tap.ts'
import { general, onEachStore, retainedBy } from './support/router.ts'

await onEachStore(t, async (t, open) => {
  const { router } = await open()
  const topics = Array.from({ length: 2_000 }, (_, at) => `a/${at % 7}/${at}`)
  await Promise.all(
    topics.flatMap((topic) => ['older', 'newer'].map((text) => router.publish(general(topic, text, { retain: true })))),
  )
  const found = await retainedBy(router, 'a/#')
  t.equal(Object.keys(found).length, 2_000)
  t.same(new Set(Object.values(found)), new Set(['newer']))
  await Promise.all(topics.slice(1).map((topic) => router.publish(general(topic, '', { retain: true }))))
  t.same(await retainedBy(router, '#'), { 'a/0/0': 'newer' }, 'an empty one removes it')
})
