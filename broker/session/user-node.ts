/** What the sessions of users of one node share. */
import type { Limits } from '../../common/limits.ts'
import type { Turns } from '../../common/turns.ts'
import type { GeneralRouter } from './general.ts'
import type { PacketsOfOne } from './general-packet.ts'
import type { SessionLimits, SessionNode } from './node.ts'
import type { UserGroups } from './user-groups.ts'
import type { UserTerms } from './user-terms.ts'
import type { UserSessions } from './user-sessions.ts'
import type { KnownUsers } from './known-users.ts'

export type UserLimits = SessionLimits &
  Pick<
    Limits,
    | 'connectTimeoutMs'
    | 'window'
    | 'queuedMessages'
    | 'queuedBytes'
    | 'queuedBytesInAll'
    | 'commitMs'
    | 'retryMs'
    | 'sessionRecheckMs'
    | 'redisTimeoutMs'
  >

export interface UserNode extends SessionNode {
  readonly router: GeneralRouter
  readonly sessions: UserSessions
  readonly groups: UserGroups
  /** Of the message that went to a client last: it goes to the next one too. */
  readonly packets: PacketsOfOne
  readonly limits: UserLimits
  readonly turns: Turns
  readonly known: KnownUsers
  readonly terms: UserTerms
}
