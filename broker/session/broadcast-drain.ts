/**
 * Moves one device along its app's broadcast log. It delivers what its versions and tags select, each entry once, under
 * the version that was subscribed first. A version subscribed later catches up on earlier entries; entries that the
 * tags exclude are passed for good.
 */
import type { BroadcastEntry, Commit, Cursors, LogEntry } from '../../store/contract.ts'
import { SmallMap } from '../../common/small-map.ts'
import type { Arrival, BroadcastFanout } from './broadcast-fanout.ts'
import { CatchUp } from './catch-up.ts'
import type { DrainContext } from './drain-context.ts'
import { type Acknowledged, LogDrain } from './log-drain.ts'
import type { DrainHost } from './outgoing.ts'
import { broadcastPacketId } from './packet-ids.ts'
import type { Subscription } from './session-state.ts'
import { Standings } from './standings.ts'

export class BroadcastDrain {
  readonly log: LogDrain
  readonly #session: DrainContext
  readonly #host: DrainHost
  readonly #opened: Cursors
  /** Version to subscription, in the order they were made. */
  #versions: SmallMap<string, Subscription> | undefined
  #fanout: BroadcastFanout | undefined
  #standings: Standings | undefined
  #catchUp: CatchUp | undefined
  /** Everything the fan-out handed out was handed here too, so that the next entry may come straight from it. */
  #hasCaughtUp = false

  constructor(session: DrainContext, host: DrainHost, opened: Cursors) {
    this.#session = session
    this.#host = host
    this.#opened = opened
    this.log = new LogDrain(opened.broadcast, opened.broadcast)
  }

  get isSubscribed(): boolean {
    return this.#fanout !== undefined
  }

  get unacknowledged(): number {
    return this.log.unacknowledged + (this.#catchUp?.log.unacknowledged ?? 0)
  }

  get span(): number {
    return Math.max(this.log.span, this.#catchUp?.log.span ?? 0)
  }

  get hasWork(): boolean {
    if (this.#fanout === undefined) return false
    return !this.#hasCaughtUp || (this.#catchUp === undefined ? this.#isLagging : !this.#catchUp.isSent)
  }

  get #isLagging(): boolean {
    return (this.#standings?.lagging.size ?? 0) > 0
  }

  /** `restored`: with the session, not by a SUBSCRIBE. */
  set(version: string, subscription: Subscription, restored: boolean): void {
    this.settle()
    this.#standings ??= new Standings(this.#opened)
    this.#standings.add(version, this.log.sent, restored)
    this.#versions ??= new SmallMap()
    this.#fanout ??= this.#session.node.sessions.fanout(this.#session.device.app)
    this.#versions.set(version, subscription)
    this.#fanout.add(version, this.#session)
  }

  remove(version: string): void {
    this.settle()
    this.#standings?.remove(version, this.log.sent, this.log.cursor)
    this.#catchUp?.remove(version)
    this.#forget(version)
  }

  /** What was subscribed to stays so for the session. */
  stop(): void {
    this.settle()
    for (const version of [...(this.#versions?.keys() ?? [])]) this.#forget(version)
  }

  #forget(version: string): void {
    this.#versions?.delete(version)
    this.#fanout?.remove(version, this.#session)
    if (this.#fanout === undefined || (this.#versions?.size ?? 0) > 0) return
    this.#session.node.sessions.releaseFanout(this.#fanout)
    this.#fanout = undefined
    this.#versions = undefined
    this.#hasCaughtUp = false
  }

  /** While it has caught up, entries that are not for this device pass without a call for each. */
  settle(): void {
    if (this.#hasCaughtUp && this.#fanout !== undefined) this.log.pass(this.#fanout.handed)
  }

  /** What a commit says besides the cursor. */
  change(): Pick<Commit, 'versions' | 'passed'> | undefined {
    return this.#standings?.change()
  }

  committed(commit: Commit): void {
    this.#standings?.committed(commit)
  }

  cursorsLost(): void {
    this.#standings?.cursorsLost()
  }

  acknowledge(packetId: number): boolean {
    const ours = this.log.acknowledge(packetId)
    if (ours !== undefined) return this.#acknowledged(ours)
    const catchUp = this.#catchUp
    const behind = catchUp?.log.acknowledge(packetId)
    if (catchUp === undefined || behind === undefined) return false
    this.#settleCatchUp(catchUp)
    return this.#acknowledged(behind)
  }

  #acknowledged({ offset, isFollowed }: Acknowledged): true {
    if (isFollowed) this.#session.node.counts.acknowledged(this.#session.device.app, offset)
    return true
  }

  /** Returns the packet ids whose PUBACK is still to come. */
  acknowledgedElsewhere(cursors: Cursors): number[] {
    this.settle()
    return this.log.acknowledgeThrough(this.#standings?.movedElsewhere(cursors) ?? cursors.broadcast)
  }

  /** Each that was sent; the rest, from the first that cannot go now, is read. */
  arrived(arrivals: readonly Arrival[], version: string, isBusy: boolean): Iterable<LogEntry> {
    const subscription = this.#versions?.get(version)
    if (!this.#hasCaughtUp || subscription === undefined) return []
    const sent: LogEntry[] = []
    // With several versions these are not all, and what is between them comes first.
    const isAll = this.#versions?.size === 1
    for (const { entry, packets, isFor } of arrivals) {
      // Passed like what no version selects.
      if (entry.offset <= this.log.sent || isFor?.(this.#session.tags) === false) continue
      const packetId = broadcastPacketId(entry.offset)
      if (!isAll || isBusy || !this.#host.hasRoom() || this.isInFlight(packetId) || !this.#isFirst(entry)) {
        this.#hasCaughtUp = false
        break
      }
      this.log.pass(entry.offset - 1)
      const missed = this.#missedIn(this.log)
      this.#host.send(this.log, entry, { destination: 'broadcast', subscription, packetId, packets, missed })
      sent.push(entry)
    }
    return sent
  }

  /** Once, under the version that was subscribed to first. */
  told({ entry, packets, isFor }: Arrival, version: string): void {
    const subscription = this.#versions?.get(version)
    if (subscription === undefined || isFor?.(this.#session.tags) === false) return
    if (this.#versions?.size !== 1 && this.#fanout?.match(entry, this.#versions?.keys() ?? []) !== version) return
    this.#host.tell(entry, { destination: 'broadcast', subscription, packets })
  }

  /** What nobody here acknowledged went when the log was full; some of it may have been for this device. */
  #missedIn(log: LogDrain): 'true' | undefined {
    return log.cursor < (this.#fanout?.droppedThrough ?? 0) ? 'true' : undefined
  }

  /** There is more than has arrived here. */
  grew(): void {
    this.#hasCaughtUp = false
  }

  isInFlight(packetId: number): boolean {
    const isOurs = this.log.isInFlight(packetId) || this.#catchUp?.log.isInFlight(packetId) === true
    return isOurs || this.#host.isInFlight(packetId)
  }

  /** False if something else has to happen first: an acknowledgement, or a socket that can be written. */
  async read(): Promise<boolean> {
    const fanout = this.#fanout
    if (fanout === undefined) return false
    const catchUp = this.catchUp()
    if (catchUp?.isSent === false) return await this.#readCatchUp(fanout, catchUp)
    const { log } = this
    const slice = await fanout.read(log.sent, this.#host.limit())
    for (const entry of slice.entries) {
      if (!this.#mayGoOn(fanout) || !this.#offer(fanout, entry)) return false
      log.end = Math.max(log.end, entry.offset)
      const waiting = fanout.turn()
      if (waiting === undefined) continue
      await waiting
      if (!fanout.isFresh(slice.since)) return true
    }
    if (!this.#session.live || this.#fanout !== fanout) return false
    this.#host.pass(log, slice.readTo)
    this.#hasCaughtUp = fanout.hasCaughtUp(log.sent)
    return true
  }

  /** As `read`, through what was passed before a version was subscribed to. */
  async #readCatchUp(fanout: BroadcastFanout, catchUp: CatchUp): Promise<boolean> {
    const { log, through } = catchUp
    const slice = await fanout.read(log.sent, this.#host.limit())
    for (const entry of slice.entries) {
      if (!this.#mayGoOn(fanout)) return false
      if (entry.offset > through) break
      if (entry.offset <= log.sent) continue
      if (this.#wasSent(fanout, entry)) log.pass(entry.offset)
      else if (!this.#sendTo(fanout, log, entry, catchUp.versionsAt(entry.offset))) return false
      const waiting = fanout.turn()
      if (waiting === undefined) continue
      await waiting
      if (!fanout.isFresh(slice.since)) return true
    }
    if (!this.#session.live || this.#fanout !== fanout) return false
    log.pass(Math.min(slice.readTo, through))
    this.#settleCatchUp(catchUp)
    this.#session.node.sessions.commits.mark(this.#session)
    return true
  }

  #mayGoOn(fanout: BroadcastFanout): boolean {
    return this.#session.live && this.#fanout === fanout && this.#host.hasRoom()
  }

  /** The one under way, or a new one where a version lags. */
  catchUp(): CatchUp | undefined {
    if (this.#catchUp === undefined && this.#isLagging && this.#standings !== undefined)
      this.#catchUp = new CatchUp(this.#standings.lagging, this.log.resendThrough)
    return this.#catchUp
  }

  #settleCatchUp(catchUp: CatchUp): void {
    this.#standings?.caughtUpTo(catchUp.versions, catchUp.log.cursor)
    if (catchUp.isDone) this.#catchUp = undefined
  }

  /** False if its packet id is still under way for another message. */
  #offer(fanout: BroadcastFanout, entry: BroadcastEntry): boolean {
    const { log } = this
    if (entry.offset <= log.sent) return true
    if (this.#isFirst(entry) || !this.#wasSent(fanout, entry))
      return this.#sendTo(fanout, log, entry, this.#versions?.keys() ?? [])
    log.pass(entry.offset)
    return true
  }

  #sendTo(fanout: BroadcastFanout, log: LogDrain, entry: BroadcastEntry, versions: Iterable<string>): boolean {
    const isFor = !fanout.isRemoved(entry.offset) && this.#isFor(fanout, entry)
    const version = isFor ? fanout.match(entry, versions) : undefined
    const subscription = version === undefined ? undefined : this.#versions?.get(version)
    const packetId = broadcastPacketId(entry.offset)
    if (version === undefined || subscription === undefined) {
      log.pass(entry.offset)
      return true
    }
    if (this.isInFlight(packetId)) return false
    const missed = this.#missedIn(log)
    this.#host.send(log, entry, { destination: 'broadcast', subscription, packetId, missed })
    return true
  }

  /** As far as tags say. */
  #isFor(fanout: BroadcastFanout, entry: BroadcastEntry): boolean {
    return fanout.tagTest(entry)?.(this.#session.tags) !== false
  }

  #isFirst({ offset }: BroadcastEntry): boolean {
    return this.#standings?.isFirst(offset) !== false
  }

  /** Under another version, or by HTTP; or it was passed there since the tags did not select it. */
  #wasSent(fanout: BroadcastFanout, entry: BroadcastEntry): boolean {
    const under = this.#standings?.sentUnder(entry.offset, this.log.sent) ?? []
    return under.length > 0 && fanout.match(entry, under) !== undefined
  }

  /** Where the retained message of a version will come from, if it is still to come. */
  logOf(version: string, entry: BroadcastEntry | undefined): LogDrain {
    this.settle()
    const catchUp = this.catchUp()
    if (catchUp === undefined || entry === undefined || this.#fanout === undefined) return this.log
    const comes = catchUp.versionsAt(entry.offset).includes(version) && !this.#wasSent(this.#fanout, entry)
    return comes ? catchUp.log : this.log
  }

  /** An entry that was skipped before, if it is there and the tags select it, with the subscription that does. */
  async entryAt(offset: number): Promise<{ entry?: LogEntry; subscription?: Subscription }> {
    const fanout = this.#fanout
    const [entry] = (await fanout?.read(offset - 1, { entries: 1, bytes: 1 }))?.entries ?? []
    if (fanout === undefined || entry === undefined || !this.#isFor(fanout, entry)) return {}
    const version = fanout.match(entry, this.#versions?.keys() ?? [])
    const subscription = version === undefined ? undefined : this.#versions?.get(version)
    return subscription === undefined ? { entry } : { entry, subscription }
  }

  /** What to wait for, as `BroadcastFanout.turn`. */
  turn(units: number): Promise<void> | undefined {
    return this.#fanout?.turn(units)
  }
}
