import type { ErrorCode } from '../../errors.ts'
import type { Packet } from '../codec/packets.ts'

/** Handles the packets of a connection after its CONNECT was accepted. */
export interface PacketHandler {
  /** For the metrics. */
  readonly principal: 'device' | 'provider' | 'user'
  /** The name of the session: what its packets cost is counted under it, over all its connections. */
  readonly sessionName: string
  /** Handles one packet. The next one waits for the promise, so that a client's packets are handled in order. */
  handle(packet: Packet): void | Promise<void>
  /** The peer has read what was written; writing may go on. */
  drained(): void
  /** The credentials have ended: goes on with `extend`, or ends. Absent: the connection ends. */
  credentialsEnded?(): void
  /** The connection is gone, once; with the code when the server closed it. */
  closed(code: ErrorCode | undefined): void
}
