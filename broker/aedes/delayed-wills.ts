/**
 * Wills whose Will Delay Interval runs. Aedes drops one whenever its client comes back; but with a clean start the
 * session that it belongs to has ended, and a will is due when its session ends (MQTT 5 section 3.1.3.2.2).
 */
import type { Aedes, AedesPublishPacket, Client } from 'aedes'

interface DelayedWill {
  readonly client: Client
  readonly packet: AedesPublishPacket
}

/** The part of Aedes that its types leave out. */
interface Delays {
  scheduleWill(client: Client, packet: AedesPublishPacket, seconds: number): void
  clearDelayedWill(clientId: string): void
  readonly delayedWills: ReadonlyMap<string, unknown>
}

type Callback = (error?: Error | null) => void
/** `publish` as it is; the types leave out the publishing client. */
type Publish = (packet: AedesPublishPacket, client: Client, callback: Callback) => void

export class DelayedWills {
  readonly #broker: Aedes
  readonly #wills = new Map<string, DelayedWill>()

  constructor(broker: Aedes) {
    const delays = broker as unknown as Delays
    const { scheduleWill, clearDelayedWill } = delays
    this.#broker = broker
    delays.scheduleWill = (client, packet, seconds) => {
      scheduleWill.call(broker, client, packet, seconds)
      if (delays.delayedWills.has(client.id)) this.#wills.set(client.id, { client, packet })
      this.#forget()
    }
    delays.clearDelayedWill = (clientId) => {
      this.#wills.delete(clientId)
      clearDelayedWill.call(broker, clientId)
    }
  }

  /** The will that is due, when the session of a client was ended by its next connection. */
  take(clientId: string): ((callback: Callback) => void) | undefined {
    const broker = this.#broker
    const delays = broker as unknown as Delays
    const will = delays.delayedWills.has(clientId) ? this.#wills.get(clientId) : undefined
    if (will === undefined) return undefined
    delays.clearDelayedWill(clientId)
    const { client, packet } = will
    return (callback) => {
      broker.authorizePublish(client, packet, (error) => {
        // As Aedes does with a will that is not allowed: nobody is there to be told.
        if (error) callback()
        else (broker.publish as unknown as Publish).call(broker, packet, client, callback)
      })
    }
  }

  /** What was published meanwhile: Aedes has no event for it. */
  #forget(): void {
    const { delayedWills } = this.#broker as unknown as Delays
    if (this.#wills.size < 2 * delayedWills.size + 100) return
    for (const clientId of this.#wills.keys()) if (!delayedWills.has(clientId)) this.#wills.delete(clientId)
  }
}
