/**
 * Topic aliases of deliveries to one client, for one connection [MQTT-3.3.2-7]. The client announces how many it
 * accepts, and a setting limits how many the server assigns. When all are in use, the least recently used one is
 * reassigned.
 */
import { withTopicAlias } from '../codec/encoder.ts'

/** What an alias adds to a packet, bytes. */
const COST = 3

export class TopicAliases {
  readonly #maximum: number
  /** In the order of their last use; absent until the first, because most connections are idle. */
  #aliases: Map<string, number> | undefined

  /**
   * Undefined if the client takes none, as most.
   * @param announced Topic Alias Maximum of the CONNECT; absent is 0 [MQTT-3.1.2-26], [MQTT-3.1.2-27]
   */
  static of(announced: number | undefined, ours: number): TopicAliases | undefined {
    const maximum = Math.min(announced ?? 0, ours)
    return maximum === 0 ? undefined : new TopicAliases(maximum)
  }

  private constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** The packet as it goes out: what is returned must be sent, because the client learns the alias from it. */
  apply(publish: Buffer, topic: string, maximumPacketSize: number): Buffer {
    if (topic.length <= COST) return publish
    this.#aliases ??= new Map()
    const known = this.#aliases.get(topic)
    if (known === undefined && publish.byteLength + COST + 2 > maximumPacketSize) return publish
    const alias = known ?? this.#free(this.#aliases)
    this.#aliases.delete(topic)
    this.#aliases.set(topic, alias)
    return withTopicAlias(publish, alias, known !== undefined)
  }

  /** From 1, never 0 [MQTT-3.3.2-8] */
  #free(aliases: Map<string, number>): number {
    if (aliases.size < this.#maximum) return aliases.size + 1
    const [oldest] = aliases
    if (oldest === undefined) return 1
    aliases.delete(oldest[0])
    return oldest[1]
  }
}
