/** What is published to Aedes, and answered when it is stored there. */
import type { Aedes, Client } from 'aedes'
import { PushError } from '../../errors.ts'
import { Reason, type PublishPacket } from '../codec/packets.ts'
import type { Hooks } from './hooks.ts'
import { toAedesPacket } from './packets.ts'
import type { AedesPersistence } from './contract.ts'

interface AedesPublisherOptions {
  readonly broker: () => Aedes
  readonly hooks: Pick<Hooks, 'authorizePublish'>
  readonly persistence: () => Pick<AedesPersistence, 'subscriptionsByTopic'>
  /** Others hear what is published here, and nobody knows who of them subscribed. */
  readonly hasOtherNodes: () => boolean
}

export type Callback = (error?: Error | null) => void

export class AedesPublisher {
  readonly #options: AedesPublisherOptions
  readonly #waiting = new Set<(error: PushError) => void>()

  constructor(options: AedesPublisherOptions) {
    this.#options = options
  }

  /** A PUBLISH as Aedes would handle it, but answered after it is stored. */
  async publish(client: Client, packet: PublishPacket): Promise<number> {
    const { broker, hooks } = this.#options
    const { topic } = packet
    // No Local is by this id, and Aedes sets it too late for those who are away.
    const outgoing = { ...toAedesPacket(packet), clientId: client.id }
    await new Promise<void>((resolve, reject) => {
      hooks.authorizePublish(client, outgoing, (error) => (error ? reject(refusal(error)) : resolve()))
    })
    await this.stored((callback) => {
      // The types leave out the publishing client, which No Local needs.
      const publish = broker().publish as unknown as (packet: object, client: Client, callback: Callback) => void
      publish.call(broker(), outgoing, client, callback)
    })
    return (await this.#isHeard(topic)) ? Reason.success : Reason.noMatchingSubscribers
  }

  /** False only where it is known that nobody subscribed: other nodes are not asked (section 3.4.2.1). */
  async #isHeard(topic: string): Promise<boolean> {
    const { broker, persistence, hasOtherNodes } = this.#options
    if (hasOtherNodes()) return true
    const { mq } = broker() as unknown as { mq: { _matcher: { match(topic: string): readonly unknown[] } } }
    if (mq._matcher.match(topic).length > 0) return true
    return (await persistence().subscriptionsByTopic(topic)).length > 0
  }

  /** Resolves when what is published is stored. */
  stored(publish: (callback: Callback) => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#waiting.add(reject)
      publish((error) => {
        this.#waiting.delete(reject)
        if (error) reject(new PushError('STORE_UNAVAILABLE', 'MQTT state', { cause: error }))
        else resolve()
      })
    })
  }

  /** Where its persistence fails, Aedes emits `error` and forgets the callback: then all that wait are told. */
  failed(error: unknown): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const reject of waiting) reject(new PushError('STORE_UNAVAILABLE', 'MQTT state', { cause: error }))
  }
}

function refusal(error: Error): PushError {
  return error instanceof PushError ? error : new PushError('TOPIC_FORBIDDEN', error.message)
}
