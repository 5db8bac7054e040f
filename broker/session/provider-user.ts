/** A provider that connected as a user: the connection ends when the user is removed or changed. */
import { PushError } from '../../errors.ts'
import type { Connection } from '../gate/connection.ts'
import type { KnownUsers } from './known-users.ts'
import type { UserArrival } from './user-arrival.ts'
import { userNow } from './user-now.ts'
import type { RulesContext } from './user-rules.ts'

interface WatchContext extends RulesContext {
  readonly known: Pick<KnownUsers, 'changesOf'>
}

/** Looks whenever its users have changed since they were asked, for as long as it is connected. */
export function endWithUser(arrival: UserArrival, connection: Connection, context: WatchContext): void {
  const { users, credentials, changes } = arrival
  const look = async () => {
    const now = await userNow(arrival, context)
    const holds = now !== undefined && (credentials === undefined || now.isVerified === true)
    if (!holds) connection.end(new PushError('USER_REFUSED'))
  }
  const changed = (): void => {
    look().catch((error: unknown) => {
      context.logger.error({ connection: connection.id, err: error }, 'could not recheck the user of a provider')
      connection.end(new PushError('USER_UNCHECKED'))
    })
  }
  const stop = users.changed?.(changed)
  if (stop !== undefined) connection.onceOver(stop)
  if (context.known.changesOf(users) !== changes) changed()
}
