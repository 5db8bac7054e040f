import type { ProtocolLevel } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { User } from './general.ts'
import type { UserArrival } from './user-arrival.ts'
import type { UserNode } from './user-node.ts'
import type { LiveUserSession } from './user-sessions.ts'

/** What deliveries need from their session. */
export interface UserOutgoingContext extends LiveUserSession {
  readonly node: UserNode
  readonly connection: Connection
  readonly user: User
  readonly arrival: UserArrival
  readonly mountPoint: string
  readonly level: ProtocolLevel
  readonly isKept: boolean
  /** There is somebody to send to. */
  readonly live: boolean
  /** Keeps what is to be known of it, should nobody close it. @throws STORE_UNAVAILABLE, SESSION_TAKEN_OVER */
  save(): Promise<void>
  /** The window has room again: for what groups have. */
  roomMade(): void
}
