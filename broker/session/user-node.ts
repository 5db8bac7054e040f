/** What the sessions of users of one node share. */
import type { Logger } from 'pino'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Store } from '../../store/contract.ts'
import type { DelayedWills } from './delayed-wills.ts'
import type { GeneralRouter } from './general.ts'
import type { PacketsOfOne } from './general-packet.ts'
import type { UserGroups } from './user-groups.ts'
import type { UserSessions } from './user-sessions.ts'
import type { Users } from './users.ts'

export type UserLimits = Pick<
  Limits,
  | 'window'
  | 'readBytes'
  | 'queuedMessages'
  | 'queuedBytes'
  | 'queuedBytesInAll'
  | 'topicAliases'
  | 'idleTimeoutMs'
  | 'subscriptions'
  | 'sessionExpiry'
  | 'receiveMaximum'
  | 'maximumPacketSize'
  | 'topicAliasMaximum'
  | 'commitMs'
  | 'retryMs'
  | 'sessionRecheckMs'
>

export interface UserNode {
  readonly store: Store
  readonly router: GeneralRouter
  readonly sessions: UserSessions
  readonly groups: UserGroups
  readonly wills: DelayedWills
  /** Of the message that went to a client last: it goes to the next one too. */
  readonly packets: PacketsOfOne
  readonly metrics: Metrics
  readonly logger: Logger
  readonly limits: UserLimits
  readonly users: Pick<Users, 'find'>
  /** A session is known by its client id alone, as Mosquitto has it; else by user and client id. */
  readonly clientIdAlone: boolean
  /** Milliseconds since the epoch, for dates. */
  readonly now: () => number
  readonly randomId: () => string
}
