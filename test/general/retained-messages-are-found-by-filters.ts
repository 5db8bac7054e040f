// Does a filter find the retained messages that it matches, and no other, whatever means something to a store?
import { t } from '../support/tap.ts'
import { filterMatches } from '../../broker/codec/topic-syntax.ts'
import { general, onEachStore, retainedBy } from './support/router.ts'

const TOPICS = [
  'a',
  'a/',
  'a/b',
  'a/b/c',
  'a/bc',
  'a[1]/x',
  'a1/x',
  'a?',
  'ab',
  'a*b',
  'a\\b',
  '/',
  '/a',
  'é/ö',
  '$SYS/a',
]
const FILTERS = [
  '#',
  '+',
  'a',
  'a/#',
  'a/+',
  'a/b',
  'a/b/#',
  '+/b',
  '+/+',
  'a[1]/#',
  'a?',
  'a*b',
  'a\\b',
  'é/#',
  '$SYS/#',
]

await onEachStore(t, async (t, open) => {
  const { router } = await open()
  for (const topic of TOPICS) await router.publish(general(topic, topic, { retain: true }))
  for (const filter of FILTERS) {
    const expected = TOPICS.filter((topic) => filterMatches(filter, topic.split('/')))
    t.same(Object.keys(await retainedBy((await open()).router, filter)).sort(), expected.sort(), filter)
  }
})
