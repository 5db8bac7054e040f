/** Retained messages of general topics, as the router asks for them. */
import type { RetainedTopic, RetainedTopicStore } from '../../store/contract.ts'
import { filterMatches } from '../codec/topic-syntax.ts'

export interface RetainedMessages {
  /** The last one of its topic; an empty payload removes it. In the order of the calls. @throws STORE_UNAVAILABLE */
  retain(retained: RetainedTopic): Promise<void>
  /** Each topic once, those that have not expired. @throws STORE_UNAVAILABLE */
  matching(filter: string): AsyncIterable<RetainedTopic>
  /** All, also those that begin with `$`. @throws STORE_UNAVAILABLE */
  all(): AsyncIterable<RetainedTopic>
  close(): void
}

export function retainedInStore(store: RetainedTopicStore): RetainedMessages {
  return {
    retain: (retained) => store.retainTopic(retained),
    matching: (filter) => matching(store, filter),
    all: () => store.retainedTopics(''),
    close: () => undefined,
  }
}

/** The store has them by the beginning of their topics, the shortest first. */
async function* matching(store: RetainedTopicStore, filter: string): AsyncIterable<RetainedTopic> {
  const wildcard = filter.search(/[+#]/)
  if (wildcard < 0) {
    yield* only(store, filter)
    return
  }
  const prefix = filter.slice(0, wildcard)
  // `a/#` is for `a` as well [MQTT-4.7.1-2].
  if (filter.endsWith('/#') && wildcard === filter.length - 1) yield* only(store, filter.slice(0, -2))
  for await (const retained of store.retainedTopics(prefix))
    if (filterMatches(filter, retained.topic.split('/'))) yield retained
}

async function* only(store: RetainedTopicStore, topic: string): AsyncIterable<RetainedTopic> {
  for await (const retained of store.retainedTopics(topic)) {
    if (retained.topic === topic) yield retained
    return
  }
}
