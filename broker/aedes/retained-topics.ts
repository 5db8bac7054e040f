/** Retained messages of general topics, as the router uses them. */
import type { RetainedTopic, RetainedTopicStore } from '../../store/contract.ts'
import { filterMatches } from '../codec/topic-syntax.ts'

export interface RetainedUsage {
  readonly messages: number
  readonly bytes: number
}

export interface RetainedMessages {
  /** The last one of its topic; an empty payload removes it. In the order of the calls. @throws STORE_UNAVAILABLE */
  retain(retained: RetainedTopic): Promise<void>
  /** Each topic once, those that have not expired. @throws STORE_UNAVAILABLE */
  matching(filter: string): AsyncIterable<RetainedTopic>
  /** All, also those that begin with `$`. @throws STORE_UNAVAILABLE */
  all(): AsyncIterable<RetainedTopic>
  /** How many there are, and of how many payload bytes, as far as that is known. It goes through all of them. */
  usage(): Promise<RetainedUsage>
  close(): void
}

export function retainedInStore(store: RetainedTopicStore): RetainedMessages {
  return {
    retain: (retained) => store.retainTopic(retained),
    matching: (filter) => matching(store, filter),
    all: () => store.retainedTopics(''),
    usage: () => usageOf(store.retainedTopics('')),
    close: () => undefined,
  }
}

async function usageOf(all: AsyncIterable<RetainedTopic>): Promise<RetainedUsage> {
  const usage = { messages: 0, bytes: 0 }
  for await (const { payload } of all) {
    usage.messages += 1
    usage.bytes += payload.byteLength
  }
  return usage
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
