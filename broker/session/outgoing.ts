/** What the two logs of a device have in common on their way out. */
import type { LogEntry, ReadLimit } from '../../store/contract.ts'
import type { PacketCache } from './broadcast-fanout.ts'
import type { DeviceLog, LogDrain } from './log-drain.ts'
import type { Subscription } from './session-state.ts'

/** Where a message of a log goes, and under which packet id; `packets` as in `Sender.send`. */
export interface Envelope {
  readonly destination: DeviceLog
  readonly subscription: Subscription
  readonly topic: string
  readonly packetId: number
  readonly packets?: PacketCache
}

/** The window that they share, and the way out. */
export interface DrainHost {
  hasRoom(): boolean
  limit(): ReadLimit
  send(log: LogDrain, entry: LogEntry, envelope: Envelope): void
  /** Passing may move the cursor: messages for nobody, expired, too large, or QoS 0. */
  pass(log: LogDrain, offset: number): void
  /** Under way, and of neither log. */
  isInFlight(packetId: number): boolean
}
