/**
 * Moves one connected user along the log of its session: reads after what was sent, with at most a window
 * unacknowledged. Acknowledged messages leave the log, in any order. Once caught up, a fresh message goes out without a
 * read.
 */
import { PushError } from '../../errors.ts'
import { OFFSET_CYCLE, type SessionEntry } from '../../store/contract.ts'
import { encodePubrel } from '../codec/encoder.ts'
import type { UserOutgoingContext } from './user-outgoing-context.ts'
import type { UserSender } from './user-sender.ts'
import type { UserState } from './user-state.ts'
import type { UnderWay, UserWindow } from './user-window.ts'

/** Computed, so that whichever node sends a message again does so under its packet id [MQTT-4.4.0-1]. 1 to 32,256. */
export function sessionPacketId(offset: number): number {
  return 1 + ((offset - 1) % OFFSET_CYCLE)
}

interface Releasing {
  readonly packetId: number
  readonly under: UnderWay
}

export class UserLog {
  readonly #session: UserOutgoingContext
  readonly #sender: UserSender
  readonly #window: UserWindow
  readonly #rested: () => void
  /** Everything up to here was sent, or is not for this client. */
  #sent = 0
  /** The highest offset known to exist. */
  #end = 0
  /** It is to be read whatever is known of its end. */
  #look = false
  /** Sent before, by an earlier connection: goes out with DUP. */
  readonly #resendThrough: number
  /** So many of the next messages an earlier connection may have sent, when nobody noted how far it came. */
  #resendAtMost: number
  #running: Promise<void> | undefined
  #again = false
  /** Acknowledged, and not written yet. */
  #done: number[] = []
  readonly #releasing: Releasing[] = []
  #isReleasing = false

  /** `rested`: it is caught up, or waits for an acknowledgement; what waits for it may go on. */
  constructor(
    session: UserOutgoingContext,
    sender: UserSender,
    window: UserWindow,
    { state, unclean, rested }: { readonly state: UserState; readonly unclean: boolean; readonly rested: () => void },
  ) {
    this.#rested = rested
    this.#session = session
    this.#sender = sender
    this.#window = window
    this.#resendThrough = state.sent
    this.#resendAtMost = Math.max(unclean ? session.node.terms.window : 0, state.resendAtMost ?? 0)
  }

  /** How far any connection came. */
  get sent(): number {
    return Math.max(this.#sent, this.#resendThrough)
  }

  /** So many more than those may have been sent before. */
  get resendAtMost(): number {
    return this.#resendAtMost
  }

  /** Nothing waits in it that was not sent. */
  get isCaughtUp(): boolean {
    return !this.#look && this.#running === undefined && this.#sent >= this.#end
  }

  arrived(offset: number, entry: SessionEntry | undefined): void {
    if (offset <= this.#end) return
    // Nothing lies between what was sent and this entry: it needs no read.
    const isNext = this.isCaughtUp && offset === this.#sent + 1
    this.#end = offset
    if (!isNext || entry === undefined || !this.#hasRoom() || !this.#offer(entry)) return this.run()
    const { metrics, now } = this.#session.node
    metrics.drainLatency.observe(Math.max(0, now() - entry.storedAt) / 1000)
  }

  /** Reads it, whatever is known of its end; resolves when that is done, for now. */
  async look(): Promise<void> {
    this.#look = true
    this.run()
    await this.#running
  }

  run(): void {
    if (this.#running !== undefined) {
      this.#again = true
      return
    }
    if (!this.#hasRoom() || !this.#hasWork()) return
    this.#running = this.#work()
      .catch((error: unknown) => {
        const { node, connection } = this.#session
        node.logger.warn({ connection: connection.id, err: error }, 'could not read the log of a session, trying again')
        node.sessions.later(() => this.run())
        this.#again = false
      })
      .then(() => {
        this.#running = undefined
        if (!this.#again) return this.#rested()
        this.#again = false
        this.run()
        if (this.#running === undefined) this.#rested()
      })
  }

  async #work(): Promise<void> {
    while (this.#hasRoom() && this.#hasWork() && (await this.#read()));
  }

  /** False if something else has to happen first: an acknowledgement, or a socket that can be written. */
  async #read(): Promise<boolean> {
    const { node, name } = this.#session
    const known = this.#end
    const isLook = this.#look
    this.#look = false
    try {
      const limit = { entries: this.#window.room, bytes: node.limits.readBytes }
      const slice = await node.store.readSession(name, this.#sent, limit)
      // A wake that came meanwhile names more than the slice can know.
      this.#end = Math.max(slice.end, slice.readTo, this.#end > known ? this.#end : 0)
      for (const entry of slice.entries) if (!this.#hasRoom() || !this.#offer(entry)) return false
      this.#sent = Math.max(this.#sent, slice.readTo)
      return true
    } catch (error) {
      this.#look = isLook
      throw error
    }
  }

  /** False if its packet id is in use for another message. */
  #offer(entry: SessionEntry): boolean {
    const { offset, qos, retain, identifiers } = entry
    if (offset <= this.#sent) return true
    if (qos === 0) return this.#tell(entry)
    const packetId = sessionPacketId(offset)
    if (this.#window.has(packetId)) return false
    this.#sent = offset
    if (entry.released) {
      // [MQTT-4.3.3-6] it was received: it is not sent again
      this.#window.track(packetId, qos, offset, true)
      this.#session.connection.write(encodePubrel(this.#session.level, packetId))
      return true
    }
    const dup = this.#takeResent(offset)
    if (!this.#sender.send(entry, { qos, retain, identifiers, dup, packetId })) {
      this.done(offset)
      return true
    }
    const { metrics } = this.#session.node
    metrics.delivered.inc({ destination: 'session' })
    if (dup) metrics.redelivered.inc({ destination: 'session' })
    this.#window.track(packetId, qos, offset)
    return true
  }

  /** QoS 0: nobody acknowledges it. */
  #tell({ offset, retain, identifiers, ...message }: SessionEntry): boolean {
    this.#sent = offset
    const isSent = this.#sender.send(message, { qos: 0, retain, identifiers, dup: false, packetId: undefined })
    if (isSent) this.#session.node.metrics.delivered.inc({ destination: 'session' })
    this.done(offset)
    return true
  }

  #takeResent(offset: number): boolean {
    if (offset <= this.#resendThrough) return true
    if (this.#resendAtMost === 0) return false
    this.#resendAtMost -= 1
    return true
  }

  #hasRoom(): boolean {
    return this.#session.live && this.#session.connection.writable && this.#window.room > 0
  }

  #hasWork(): boolean {
    return this.#look || this.#sent < this.#end
  }

  // What was acknowledged

  /** PUBACK or PUBCOMP, or it is not for this client. */
  done(offset: number): void {
    this.#done.push(offset)
    this.#session.node.metrics.acknowledged.inc({ destination: 'session' })
    this.#session.node.sessions.moved(this.#session)
  }

  /** Writes what was acknowledged. */
  async commit(): Promise<void> {
    const done = this.#done
    if (done.length === 0) return
    this.#done = []
    try {
      await this.#write(done, [])
    } catch (error) {
      this.#done.unshift(...done)
      throw error
    }
  }

  /** PUBREC: PUBREL follows when that is durable. Those that come meanwhile go together. */
  release(packetId: number, under: UnderWay): void {
    if (under.releasing) return
    under.releasing = true
    this.#releasing.push({ packetId, under })
    if (!this.#isReleasing) this.#releaseAll()
  }

  #releaseAll(): void {
    this.#isReleasing = true
    this.#releaseEach().then(
      () => (this.#isReleasing = false),
      (error: unknown) => {
        const { node, connection } = this.#session
        node.logger.warn({ connection: connection.id, err: error }, 'could not write received packet ids, trying again')
        node.sessions.later(() => this.#releaseAll())
      },
    )
  }

  async #releaseEach(): Promise<void> {
    const { connection, level } = this.#session
    while (this.#releasing.length > 0 && this.#session.live) {
      const all = [...this.#releasing]
      const released = all.map(({ under }) => under.offset)
      if (!(await this.#write([], released))) return
      this.#releasing.splice(0, all.length)
      for (const { packetId, under } of all) {
        under.released = true
        connection.write(encodePubrel(level, packetId))
      }
    }
  }

  /** False if a newer session was opened. */
  async #write(done: readonly number[], released: readonly number[]): Promise<boolean> {
    const { node, name, epoch } = this.#session
    const written = await node.store.commitSession({ name, epoch, done, released })
    if (!written) this.#session.end(new PushError('SESSION_TAKEN_OVER'))
    return written
  }
}
