/** Retained messages of this process below `$SYS/`: they are not stored or shared. */
import type { RetainedTopic } from '../../store/contract.ts'
import type { QoS } from '../codec/packets.ts'
import { filterMatches, isTopicName } from '../codec/topic-syntax.ts'
import type { GeneralMessage } from '../session/general.ts'

const PREFIX = '$SYS/'
/** What they are retained as. */
export type LocalTopic = RetainedTopic & { readonly isLocal: true }

export class LocalMessages {
  readonly #now: () => number
  readonly #byTopic = new Map<string, LocalTopic>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Returns the message for current subscribers. @throws Error if the topic is not below `$SYS/` */
  set(topic: string, payload: Uint8Array | undefined, qos: QoS): GeneralMessage {
    if (!topic.startsWith(PREFIX) || !isTopicName(topic))
      throw new Error(`setLocal: the topic must be one below ${PREFIX}, and is ${JSON.stringify(topic)}`)
    const retained: LocalTopic = {
      topic,
      payload: payload ?? Buffer.alloc(0),
      qos,
      id: '-',
      retain: true,
      storedAt: this.#now(),
      expiresAt: Number.POSITIVE_INFINITY,
      isLocal: true,
    }
    if (payload === undefined) this.#byTopic.delete(topic)
    else this.#byTopic.set(topic, retained)
    return { ...retained, from: '' }
  }

  matching(filter: string): LocalTopic[] {
    // [MQTT-4.7.2-1]
    if (this.#byTopic.size === 0 || !filter.startsWith('$')) return []
    return [...this.#byTopic.values()].filter(({ topic }) => filterMatches(filter, topic.split('/')))
  }
}
