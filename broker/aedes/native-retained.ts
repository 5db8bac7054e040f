/** Lets users receive what an embedding program's Aedes has retained. */
import { PushError } from '../../errors.ts'
import type { RetainedTopic } from '../../store/contract.ts'
import { filterMatches } from '../codec/topic-syntax.ts'
import { messageOf, type NativePacket } from './native-packet.ts'
import type { RetainedMessages } from './retained-topics.ts'

/** The part of a persistence of Aedes that is called. */
export interface NativePersistence {
  createRetainedStreamCombi(filters: readonly string[]): AsyncIterable<NativePacket>
}

/** Ours come first: what was retained while users could hear it is there with all that was said of it. */
export function retainedInBoth(
  own: RetainedMessages,
  persistence: NativePersistence,
  now: () => number,
): RetainedMessages {
  return {
    retain: (message) => own.retain(message),
    matching: (filter) => matching(own, persistence, now, filter),
    all: () => own.all(),
    usage: () => own.usage(),
    close: () => own.close(),
  }
}

async function* matching(
  own: RetainedMessages,
  persistence: NativePersistence,
  now: () => number,
  filter: string,
): AsyncIterable<RetainedTopic> {
  const told = new Set<string>()
  for await (const retained of own.matching(filter)) {
    told.add(retained.topic)
    yield retained
  }
  try {
    for await (const packet of persistence.createRetainedStreamCombi([filter])) {
      const retained = messageOf(packet, { from: '', id: '-', now: now() })
      const { topic, expiresAt } = retained
      if (!told.has(topic) && expiresAt > now() && filterMatches(filter, topic.split('/'))) yield retained
    }
  } catch (error) {
    throw new PushError('STORE_UNAVAILABLE', 'retained messages', { cause: error })
  }
}
