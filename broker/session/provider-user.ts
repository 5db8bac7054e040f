/** A provider that came with the name and password of a user: its connection ends when that user holds no more. */
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import type { Connection } from '../gate/connection.ts'
import type { UserArrival } from './user-arrival.ts'

/** Looks whenever its users have changed, for as long as it is connected. */
export function endWithUser(
  { users, user, credentials }: Pick<UserArrival, 'users' | 'user' | 'credentials'>,
  connection: Connection,
  logger: Logger,
): void {
  const look = async () => {
    const holds =
      credentials === undefined
        ? (await users.find?.(user.name)) !== undefined
        : (await users.recheck?.(credentials))?.isVerified === true
    if (!holds) connection.end(new PushError('USER_REFUSED'))
  }
  const stop = users.changed?.(() => {
    look().catch((error: unknown) => {
      logger.error({ connection: connection.id, err: error }, 'could not check the user of a provider again')
      connection.end(new PushError('USER_UNCHECKED'))
    })
  })
  if (stop !== undefined) connection.onceOver(stop)
}
