/** What deliveries from the two logs of a device share. */
import type { LogEntry, PassedAs, ReadLimit } from '../../store/contract.ts'
import type { PacketCache } from './broadcast-fanout.ts'
import type { DeviceLog, LogDrain } from './log-drain.ts'
import type { Subscription } from './session-state.ts'

/** Where a message of a log goes, and under which packet id; `packets` as in `Sender.send`. */
export interface Envelope {
  readonly destination: DeviceLog
  /** Its filter is the topic: devices have no wildcards. */
  readonly subscription: Subscription
  readonly packetId: number
  readonly packets?: PacketCache
  /** As in `Delivery`. */
  readonly missed?: string | undefined
}

/** The window that they share, and the way out. */
export interface DrainHost {
  hasRoom(): boolean
  limit(): ReadLimit
  send(log: LogDrain, entry: LogEntry, envelope: Envelope): void
  /** For now or never: with QoS 0, whatever is under way. */
  tell(entry: LogEntry, envelope: Omit<Envelope, 'packetId'>): void
  /** It is passed, and nobody acknowledges it. */
  ended(destination: DeviceLog, entry: LogEntry, as: PassedAs): void
  /** Passing may move the cursor: messages for nobody, expired, too large, or QoS 0. */
  pass(log: LogDrain, offset: number): void
  /** Under way, and of neither log. */
  isInFlight(packetId: number): boolean
}
