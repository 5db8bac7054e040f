/** Moves one device along its private log. */
import type { Commit, LogEntry, Missed, OpenedSession, PassedAs } from '../../store/contract.ts'
import type { DrainContext } from './drain-context.ts'
import { LogDrain } from './log-drain.ts'
import type { DrainHost } from './outgoing.ts'
import { privatePacketId } from './packet-ids.ts'
import { PassedMessages } from './passed-messages.ts'
import type { Subscription } from './session-state.ts'

export class PrivateDrain {
  readonly log: LogDrain
  subscription: Subscription | undefined
  readonly #session: DrainContext
  readonly #host: DrainHost
  /** To be read whatever is known of its end. */
  #looks = false
  #isReading = false
  /** Told with each message until something after it is acknowledged. */
  #missed: Missed | undefined
  #passed: PassedMessages | undefined
  /** Taken out of the log since a read of it began. */
  #removed: Set<number> | undefined

  constructor(session: DrainContext, host: DrainHost, opened: OpenedSession) {
    this.#session = session
    this.#host = host
    this.#missed = opened.missed
    this.log = new LogDrain(opened.cursors.private, opened.privateEnd)
  }

  get hasWork(): boolean {
    return this.subscription !== undefined && (this.#looks || this.log.sent < this.log.end)
  }

  look(): void {
    this.#looks = true
  }

  /** True if it was sent; otherwise it is to be read. */
  arrived(offset: number, entry: LogEntry | undefined, isBusy: boolean): boolean {
    const { log, subscription } = this
    const next = log.sent === log.end && offset === log.sent + 1
    log.end = offset
    // Nothing lies between what was sent and this entry: it needs no read.
    if (!next || entry === undefined || isBusy || subscription === undefined || !this.#host.hasRoom()) return false
    this.#send(entry, subscription)
    return true
  }

  told(entry: LogEntry): void {
    const { subscription } = this
    if (subscription === undefined) return
    this.#host.tell(entry, { destination: 'private', subscription })
  }

  /** It was recalled or replaced; what is under way stays so. */
  removed(offset: number): void {
    if (!this.#isReading) return
    this.#removed ??= new Set()
    this.#removed.add(offset)
  }

  /** False if something else has to happen first: an acknowledgement, or a socket that can be written. */
  async read(): Promise<boolean> {
    const { log } = this
    const { node, tokenId } = this.#session
    const known = log.end
    this.#looks = false
    this.#beginReading()
    const slice = await node.store.readPrivate(tokenId, log.sent, this.#host.limit())
    this.#isReading = false
    // A wake that came while this was read names more than the slice can know.
    log.end = Math.max(slice.end, slice.readTo, log.end > known ? log.end : 0)
    this.#missed = slice.missed
    for (const offset of slice.expired ?? []) this.passed(offset, 'expired')
    for (const entry of slice.entries) {
      const { subscription } = this
      if (!this.#session.live || !this.#host.hasRoom() || subscription === undefined) return false
      if (entry.offset > log.sent && !this.#isRemoved(entry.offset)) this.#send(entry, subscription)
      log.end = Math.max(log.end, entry.offset)
    }
    if (!this.#session.live) return false
    this.#host.pass(log, slice.readTo)
    return true
  }

  /** One that was skipped before, if it is there. */
  async entryAt(offset: number): Promise<LogEntry | undefined> {
    const { node, tokenId } = this.#session
    this.#beginReading()
    const slice = await node.store.readPrivate(tokenId, offset - 1, { entries: 1, bytes: 1 })
    this.#isReading = false
    if (slice.expired?.includes(offset) === true) this.passed(offset, 'expired')
    const [entry] = slice.entries
    return entry === undefined || this.#isRemoved(entry.offset) ? undefined : entry
  }

  /** What is retained, unless it was recalled while it was read. */
  async retained(): Promise<LogEntry | undefined> {
    const { node, tokenId } = this.#session
    this.#beginReading()
    const entry = await node.store.retainedPrivate(tokenId)
    this.#isReading = false
    return entry === undefined || this.#isRemoved(entry.offset) ? undefined : entry
  }

  /** One read at a time. What was removed before it is not in what it gives. */
  #beginReading(): void {
    this.#removed = undefined
    this.#isReading = true
  }

  #isRemoved(offset: number): boolean {
    return this.#removed?.has(offset) === true
  }

  /** A followed message that nobody acknowledges. */
  passed(offset: number, as: PassedAs): void {
    this.#passed ??= new PassedMessages()
    this.#passed.name(offset, as)
  }

  /** What a commit says besides the cursor. */
  change(): Pick<Commit, 'passedAs'> | undefined {
    return this.#passed?.change(this.log.cursor)
  }

  committed(commit: Commit): void {
    this.#passed?.committed(commit)
    if (this.#passed?.isEmpty === true) this.#passed = undefined
  }

  #send(entry: LogEntry, subscription: Subscription): void {
    this.#host.send(this.log, entry, {
      destination: 'private',
      subscription,
      packetId: privatePacketId(entry.offset),
      missed: this.#missed === undefined ? undefined : this.#missedNow(this.#missed),
    })
  }

  #missedNow({ count, through }: Missed): string | undefined {
    if (this.log.cursor <= through) return String(count)
    this.#missed = undefined
    return undefined
  }
}
