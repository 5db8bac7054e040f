/** The position of one device in one log: what it acknowledged, what is in flight, what was read. */
/** The logs that a device reads. */
export type DeviceLog = 'private' | 'broadcast'

interface InFlight {
  readonly offset: number
  readonly packetId: number
  readonly isFollowed: boolean
  acknowledged: boolean
}

export type Acknowledged = Pick<InFlight, 'offset' | 'isFollowed'>

/** Of all that have nothing under way; never changed. */
const NONE: InFlight[] = []

export class LogDrain {
  /** Everything up to here is acknowledged, or was not for this device. */
  cursor: number
  /** Everything up to here was sent, or was not for this device. */
  sent: number
  /** The highest offset known to exist; there is something to read while `sent` is below it. */
  end: number
  /** Sent before, by an earlier connection of this session: goes out with DUP. */
  resendThrough = 0
  /** How many of the next messages an earlier connection may have sent, when nobody could note how far it came. */
  resendAtMost = 0
  /** The retained message that a new subscription will get from the log, with RETAIN = 1. */
  retainedOffset = 0
  /** In order of offset; entries that were acknowledged out of turn stay until those before them are. */
  #inFlight = NONE
  #unacknowledged = 0

  constructor(cursor: number, end: number) {
    this.cursor = cursor
    this.sent = cursor
    this.end = Math.max(cursor, end)
  }

  get unacknowledged(): number {
    return this.#unacknowledged
  }

  /** `retainedOffset` while that entry is not acknowledged; 0 afterwards. */
  get retainedPending(): number {
    return this.retainedOffset > this.cursor ? this.retainedOffset : 0
  }

  /** Length of the window, with the entries that were acknowledged out of turn. */
  get span(): number {
    return this.#inFlight.length
  }

  /** A packet id that is still under way for another offset must not be used again [MQTT-2.2.1-3]. */
  isInFlight(packetId: number): boolean {
    return this.#inFlight.some((each) => each.packetId === packetId && !each.acknowledged)
  }

  /** Whether a message about to be sent may have been sent by an earlier connection; call it once a message. */
  takeResent(offset: number): boolean {
    if (offset <= this.resendThrough) return true
    if (this.resendAtMost === 0) return false
    this.resendAtMost--
    return true
  }

  track(offset: number, packetId: number, isFollowed = false): void {
    if (this.#inFlight === NONE) this.#inFlight = []
    this.#inFlight.push({ offset, packetId, isFollowed, acknowledged: false })
    this.#unacknowledged++
    this.sent = offset
  }

  /** Nothing up to `offset` needs an acknowledgement of its own. */
  pass(offset: number): void {
    if (offset > this.sent) this.sent = offset
    if (this.#inFlight.length === 0 && this.sent > this.cursor) this.cursor = this.sent
  }

  /** A PUBACK. Undefined if the packet id is not under way. */
  acknowledge(packetId: number): Acknowledged | undefined {
    const entry = this.#inFlight.find((each) => each.packetId === packetId && !each.acknowledged)
    if (entry === undefined) return undefined
    entry.acknowledged = true
    this.#unacknowledged--
    this.#settle()
    return entry
  }

  /** Acknowledged elsewhere up to `offset`. Returns the packet ids whose PUBACK is still to come. */
  acknowledgeThrough(offset: number): number[] {
    if (offset <= this.cursor) return []
    const open: number[] = []
    for (const entry of this.#inFlight) {
      if (entry.offset > offset) break
      if (entry.acknowledged) continue
      entry.acknowledged = true
      this.#unacknowledged--
      open.push(entry.packetId)
    }
    this.sent = Math.max(this.sent, offset)
    this.end = Math.max(this.end, this.sent)
    this.#settle()
    this.cursor = Math.max(this.cursor, offset)
    return open
  }

  #settle(): void {
    let settled = 0
    while (this.#inFlight[settled]?.acknowledged === true) settled++
    if (settled > 0) this.#inFlight.splice(0, settled)
    const [head] = this.#inFlight
    if (head === undefined) this.#inFlight = NONE
    this.cursor = Math.max(this.cursor, head === undefined ? this.sent : head.offset - 1)
  }
}
