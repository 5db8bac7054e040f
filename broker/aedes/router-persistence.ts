/**
 * The persistence of an Aedes that only routes: retained messages, and nothing else. If it rejected, Aedes would emit
 * `error` and never call back, so it never rejects and records the error for the packet instead.
 */
import type { AedesPublishPacket } from 'aedes'
import type { Publication } from './publication.ts'
import type { RetainedMessages } from './retained-topics.ts'

interface RouterPersistenceOptions {
  readonly retained: RetainedMessages
  readonly publicationOf: (packet: Pick<AedesPublishPacket, 'properties'>) => Publication | undefined
}

export class RouterPersistence {
  readonly #options: RouterPersistenceOptions

  constructor(options: RouterPersistenceOptions) {
    this.#options = options
  }

  async setup(): Promise<void> {}

  async storeRetained(packet: AedesPublishPacket): Promise<void> {
    const publication = this.#options.publicationOf(packet)
    try {
      if (publication !== undefined) await this.#options.retained.retain(publication.message)
    } catch (error) {
      publication?.fail(error)
    }
  }

  async subscriptionsByTopic(): Promise<readonly never[]> {
    return []
  }

  async outgoingEnqueueCombi(): Promise<void> {}

  /** Asked for now and then. */
  async *streamWill(): AsyncIterable<never> {}

  async delWill(): Promise<void> {}

  async destroy(): Promise<void> {}
}
