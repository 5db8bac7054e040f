/**
 * Messages that exceed the client's Maximum Packet Size. The cursor passes them, and they stay pending for HTTP and for
 * a connection that accepts them; each connection tries once what an earlier one skipped.
 */
import type { DeviceLog } from './log-drain.ts'
import type { Commit, Cursors, LogEntry, Marks, PassedAs, Skipped } from '../../store/contract.ts'
import type { DrainContext } from './drain-context.ts'
import type { LogDrain } from './log-drain.ts'
import type { DrainHost } from './outgoing.ts'
import type { Sender } from './sender.ts'
import type { Subscription } from './session-state.ts'

export interface Skip {
  readonly destination: DeviceLog
  readonly offset: number
  /** A new subscription gets it as the retained message. */
  isRetained?: boolean
  /** See `LogEntry`; known once it was sent. */
  isFollowed?: boolean
}

export interface Offer {
  /** What is at its offset; another one, or none, where it is gone. */
  readonly entry: LogEntry | undefined
  readonly subscription: Subscription | undefined
  readonly packetId: number
}

interface Fresh extends Skip {
  readonly log: LogDrain
}

export class Skips {
  readonly #session: DrainContext
  readonly #sender: Sender
  readonly #host: Pick<DrainHost, 'ended'>
  /** Of earlier connections, oldest first, until they are tried. */
  #earlier: Skip[]
  /** By packet id. */
  readonly #sent = new Map<number, Skip>()
  #fresh: Fresh[] = []
  #taken: Skip[] = []

  /** Undefined if there is nothing: most sessions never have any. */
  static of(session: DrainContext, sender: Sender, host: Pick<DrainHost, 'ended'>, marks: Marks): Skips | undefined {
    const earlier: Skip[] = []
    for (const offset of marks.skippedPrivate) earlier.push({ destination: 'private', offset })
    for (const offset of marks.skippedBroadcast) earlier.push({ destination: 'broadcast', offset })
    return earlier.length === 0 ? undefined : new Skips(session, sender, host, earlier)
  }

  constructor(session: DrainContext, sender: Sender, host: Pick<DrainHost, 'ended'>, earlier: Skip[] = []) {
    this.#session = session
    this.#sender = sender
    this.#host = host
    this.#earlier = earlier
  }

  get unacknowledged(): number {
    return this.#sent.size
  }

  /** The next one to try of a log that is subscribed to. */
  next(isSubscribed: (destination: DeviceLog) => boolean): Skip | undefined {
    return this.#earlier.find(({ destination }) => isSubscribed(destination))
  }

  /** The retained message of a new subscription: true if it is still to come from here. */
  retain(destination: DeviceLog, offset: number): boolean {
    const skip = this.#earlier.find((each) => each.destination === destination && each.offset === offset)
    if (skip !== undefined) skip.isRetained = true
    return skip !== undefined
  }

  /** Sends what was skipped, where it fits now; without a subscription that selects it, it stays pending. */
  offer(skip: Skip, { entry, subscription, packetId }: Offer): void {
    const { node } = this.#session
    const now = node.now()
    this.#earlier = this.#earlier.filter((each) => each !== skip)
    if (entry?.offset !== skip.offset) return this.#take(skip)
    if (entry.expiresAt <= now) return this.#end(skip, entry, 'expired')
    if (subscription === undefined) return
    const { filter: topic, qos, identifier, retainAsPublished } = subscription
    const retain = skip.isRetained === true || (retainAsPublished && entry.retain)
    const sending = { topic, identifier, packetId: qos === 0 ? undefined : packetId, retain, dup: false, now }
    if (!this.#sender.send(entry, sending)) return
    node.metrics.delivered.inc({ destination: skip.destination })
    skip.isFollowed = entry.isFollowed === true
    if (qos === 0) this.#end(skip, entry, 'sent')
    else this.#sent.set(packetId, skip)
  }

  isInFlight(packetId: number): boolean {
    return this.#sent.has(packetId)
  }

  /** A PUBACK: false if the packet id is none of these. */
  acknowledged(packetId: number): boolean {
    const skip = this.#sent.get(packetId)
    if (skip === undefined) return false
    this.#sent.delete(packetId)
    this.#taken.push(skip)
    const { node, device } = this.#session
    if (skip.isFollowed === true && skip.destination === 'broadcast') node.counts.acknowledged(device.app, skip.offset)
    return true
  }

  /** `log` is passing it. */
  add(destination: DeviceLog, offset: number, log: LogDrain): void {
    this.#fresh.push({ destination, offset, log })
  }

  movedElsewhere({ marks }: Cursors): void {
    const kept = { private: marks?.skippedPrivate ?? [], broadcast: marks?.skippedBroadcast ?? [] }
    this.#earlier = this.#earlier.filter(({ destination, offset }) => kept[destination].includes(offset))
  }

  #end(skip: Skip, entry: LogEntry, as: PassedAs): void {
    this.#host.ended(skip.destination, entry, as)
    this.#take(skip)
  }

  /** It is gone, or nobody acknowledges it. */
  #take(skip: Skip): void {
    this.#taken.push(skip)
    this.#session.node.sessions.commits.mark(this.#session)
  }

  /** What the next commit says: of what was skipped, only what the cursors have passed. */
  change(): Pick<Commit, 'skipped' | 'taken'> {
    const skipped = this.#fresh.filter(({ log, offset }) => offset <= log.cursor)
    return {
      ...(skipped.length > 0 ? { skipped: byDestination(skipped) } : {}),
      ...(this.#taken.length > 0 ? { taken: byDestination(this.#taken) } : {}),
    }
  }

  committed({ skipped, taken }: Pick<Commit, 'skipped' | 'taken'>): void {
    if (skipped !== undefined) this.#fresh = without(this.#fresh, skipped)
    if (taken !== undefined) this.#taken = without(this.#taken, taken)
  }
}

function byDestination(skips: readonly Skip[]): Skipped {
  const of = (wanted: DeviceLog) =>
    skips.filter(({ destination }) => destination === wanted).map(({ offset }) => offset)
  return { private: of('private'), broadcast: of('broadcast') }
}

function without<S extends Skip>(skips: readonly S[], done: Skipped): S[] {
  return skips.filter(({ destination, offset }) => !done[destination].includes(offset))
}
