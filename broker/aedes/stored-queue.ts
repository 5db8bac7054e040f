/** The queue of one client in Aedes' persistence: read, taken from one by one, and dropped. */
import type { AedesPersistence, StoredPacket, TakeOut } from './contract.ts'

/** Some persistences hand out the first thousand only: so many passes drop a million. */
const PASSES = 1000
/** Messages that are taken out at once: one by one, each waits for the disk or for Redis. */
const TOGETHER = 200

export interface QueueStorage {
  readonly persistence: AedesPersistence
  readonly take?: TakeOut | undefined
  /** A message of this client's was taken out: a full queue has room again. */
  readonly taken?: (clientId: string) => void
}

export class StoredQueue {
  readonly #persistence: AedesPersistence
  readonly #takeOut: TakeOut | undefined
  readonly #taken: ((clientId: string) => void) | undefined
  readonly #client: { readonly id: string }
  readonly #failed: (error: unknown) => void
  #work: Promise<void> = Promise.resolve()

  constructor({ persistence, take, taken }: QueueStorage, clientId: string, failed: (error: unknown) => void) {
    this.#persistence = persistence
    this.#takeOut = take
    this.#taken = taken
    this.#client = { id: clientId }
    this.#failed = failed
  }

  /** Oldest first, without what is being taken out. */
  async *read(): AsyncGenerator<StoredPacket> {
    await this.idle()
    yield* this.#persistence.outgoingStream(this.#client)
  }

  add(packet: StoredPacket): Promise<unknown> {
    return this.#persistence.outgoingEnqueue({ clientId: this.#client.id }, packet)
  }

  /** Takes a message out, in the background. What could not be taken out is sent again one day. */
  take(packet: StoredPacket): void {
    this.#work = this.#work.then(() => this.#take(packet)).catch((error: unknown) => this.#failed(error))
  }

  /** Everything that was to be taken out is out. */
  idle(): Promise<void> {
    return this.#work
  }

  /** A message that is found by its packet id is taken out before the next one gets that id. */
  get #atOnce(): number {
    return this.#takeOut === undefined ? 1 : TOGETHER
  }

  /** A CONNECT waits for it, and a full queue has thousands. */
  async drop(): Promise<void> {
    await this.idle()
    for (let pass = 0; pass < PASSES; pass++) {
      let found = false
      let taking: Promise<void>[] = []
      for await (const packet of this.#persistence.outgoingStream(this.#client)) {
        found = true
        // Somebody else may just be taking it out.
        taking.push(this.#take(packet).catch((error: unknown) => this.#failed(error)))
        if (taking.length < this.#atOnce) continue
        await Promise.all(taking)
        taking = []
      }
      await Promise.all(taking)
      if (!found) return
    }
  }

  async #take(packet: StoredPacket): Promise<void> {
    if (this.#takeOut === undefined) await this.#takeById(packet)
    else await this.#takeOut(this.#client.id, packet)
    this.#taken?.(this.#client.id)
  }

  /** A persistence finds a message by the packet id that it was told last; ours are told only here. */
  async #takeById(packet: StoredPacket): Promise<void> {
    const messageId = 1
    await this.#persistence.outgoingUpdate(this.#client, { ...packet, messageId })
    await this.#persistence.outgoingClearMessageId(this.#client, { messageId })
  }
}
