/**
 * Wills whose Will Delay Interval runs. Aedes drops one whenever its client comes back to the same node; but with a
 * clean start the session that it belongs to has ended, and a will is due when its session ends (MQTT 5 section
 * 3.1.3.2.2). And a client may come back to another node.
 */
import type { Aedes, AedesPublishPacket, Client } from 'aedes'
import type { Opened } from './kept-session.ts'
import type { Callback } from './publisher.ts'

interface DelayedWill {
  readonly client: Client
  readonly packet: AedesPublishPacket
}

/** The part of a connected client that its types leave out. */
interface Connected {
  will: { readonly properties?: { readonly willDelayInterval?: number } } | null
  /** Seconds. */
  sessionExpiryInterval: number
}

interface Notice {
  readonly topic: string
  readonly payload: Buffer | string
}

/** The part of Aedes that its types leave out. */
interface Inner {
  scheduleWill(client: Client, packet: AedesPublishPacket, seconds: number): void
  clearDelayedWill(clientId: string): void
  readonly delayedWills: ReadonlyMap<string, unknown>
  readonly clients: Readonly<Record<string, Connected | undefined>>
  readonly persistence: { delWill(client: { readonly id: string; readonly brokerId: string }): Promise<unknown> }
  readonly mq: { on(filter: string, listener: (notice: Notice, done: () => void) => void): void }
}

/** `publish` as it is; the types leave out the publishing client. */
type Publish = (packet: AedesPublishPacket, client: Client, callback: Callback) => void

interface DelayedWillsOptions {
  readonly broker: Aedes
  /** Resolves when what is published is stored. */
  readonly stored: (publish: (callback: Callback) => void) => Promise<void>
  /** What was done for nobody who waits could not be done. */
  readonly failed: (error: unknown) => void
}

/** Every node of Aedes says there who has connected to it. */
const CONNECTED = 'new/clients'
/** Before that, ours says there whose earlier session it ended. */
const ENDED = 'ended/sessions'

export class DelayedWills {
  readonly #broker: Aedes
  readonly #inner: Inner
  readonly #stored: DelayedWillsOptions['stored']
  readonly #failed: DelayedWillsOptions['failed']
  readonly #wills = new Map<string, DelayedWill>()

  constructor({ broker, stored, failed }: DelayedWillsOptions) {
    const inner = broker as unknown as Inner
    const { scheduleWill, clearDelayedWill } = inner
    this.#broker = broker
    this.#inner = inner
    this.#stored = stored
    this.#failed = failed
    inner.scheduleWill = (client, packet, seconds) => {
      scheduleWill.call(broker, client, packet, seconds)
      if (inner.delayedWills.has(client.id)) this.#wills.set(client.id, { client, packet })
      this.#forget()
    }
    inner.clearDelayedWill = (clientId) => {
      this.#wills.delete(clientId)
      clearDelayedWill.call(broker, clientId)
    }
    this.#hear(ENDED, (clientId) => this.#endedElsewhere(clientId))
    this.#hear(CONNECTED, (clientId) => this.#connectedElsewhere(clientId))
  }

  #endedElsewhere(clientId: string): void {
    // Aedes closes it when it hears of the new connection, and delays a will no longer than its session lives.
    const client = this.#inner.clients[clientId]
    if (client !== undefined) client.sessionExpiryInterval = 0
    this.#publish(clientId).catch(this.#failed)
  }

  /** The session goes on there: it needs no will that can wait. */
  #connectedElsewhere(clientId: string): void {
    this.#drop(clientId).catch(this.#failed)
    const client = this.#inner.clients[clientId]
    if (client === undefined || client.sessionExpiryInterval === 0) return
    if ((client.will?.properties?.willDelayInterval ?? 0) === 0) return
    client.will = null
    this.forget(clientId).catch(this.#failed)
  }

  /** Nothing is left of the will that is kept for the case that this node dies: the others would send it then. */
  async forget(clientId: string): Promise<void> {
    await this.#inner.persistence.delWill({ id: clientId, brokerId: this.#broker.id })
  }

  /** A will that waits is not due any more. */
  async #drop(clientId: string): Promise<void> {
    if (!this.#inner.delayedWills.has(clientId)) return
    this.#inner.clearDelayedWill(clientId)
    await this.forget(clientId)
  }

  /** What other nodes say about a client. */
  #hear(what: string, heard: (clientId: string) => void): void {
    const own = topicOf(this.#broker, what)
    this.#inner.mq.on(`$SYS/+/${what}`, ({ topic, payload }, done) => {
      if (topic !== own) heard(payload.toString())
      done()
    })
  }

  /** A client has come back, here. When that ended its session, the will is due, wherever it waits. */
  async cameBack(clientId: string, opened: Opened): Promise<void> {
    if (opened === 'resumed') return await this.#drop(clientId)
    if (opened === 'new') return
    await this.#publish(clientId)
    const payload = Buffer.from(clientId)
    await this.#stored((callback) =>
      this.#broker.publish(
        { cmd: 'publish', qos: 0, dup: false, retain: false, topic: topicOf(this.#broker, ENDED), payload },
        callback,
      ),
    )
  }

  async #publish(clientId: string): Promise<void> {
    const broker = this.#broker
    const will = this.#inner.delayedWills.has(clientId) ? this.#wills.get(clientId) : undefined
    if (will === undefined) return
    this.#inner.clearDelayedWill(clientId)
    const { client, packet } = will
    await this.#stored((callback) => {
      broker.authorizePublish(client, packet, (error) => {
        // As Aedes does with a will that is not allowed: nobody is there to be told.
        if (error) callback()
        else (broker.publish as unknown as Publish).call(broker, packet, client, callback)
      })
    })
    await this.forget(clientId)
  }

  /** What was published meanwhile: Aedes has no event for it. */
  #forget(): void {
    if (this.#wills.size < 2 * this.#inner.delayedWills.size + 100) return
    for (const clientId of this.#wills.keys()) if (!this.#inner.delayedWills.has(clientId)) this.#wills.delete(clientId)
  }
}

function topicOf({ id }: Aedes, what: string): string {
  return `$SYS/${id}/${what}`
}
