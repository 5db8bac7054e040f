/** The current `User` after users, passwords or rules have changed. */
import { inTime } from '../../common/in-time.ts'
import type { User } from './general.ts'
import type { UserArrival } from './user-arrival.ts'
import { late, RuledUser, type RulesContext } from './user-rules.ts'

/** Undefined: it is refused. @throws what keeps it from being known */
export async function userNow(
  { users, user, clientId, credentials }: UserArrival,
  context: RulesContext,
): Promise<User | undefined> {
  if (users.recheck === undefined || credentials === undefined)
    return users.find === undefined ? user : await userNamed({ users, clientId, name: user.name }, context)
  const gone = new AbortController()
  const asked = users.recheck({ ...credentials, signal: gone.signal })
  return await answered(asked, context, () => gone.abort())
}

/** Undefined: there is none any more, or nobody knows. @throws what keeps it from being known */
export async function userNamed(
  { users, name, clientId }: Pick<UserArrival, 'users' | 'clientId'> & { readonly name: string },
  context: RulesContext,
): Promise<User | undefined> {
  return await answered(Promise.resolve(users.find?.(name, { clientId })), context, () => undefined)
}

async function answered(
  asked: Promise<User | undefined | null>,
  context: RulesContext,
  given: () => void,
): Promise<User | undefined> {
  const user = await inTime(asked, context.limits.connectTimeoutMs, () => {
    given()
    return late()
  })
  return user === undefined || user === null ? undefined : new RuledUser(user, context)
}

/** One that may nothing: what it left behind goes nowhere. */
export function refusedUser(name: string): User {
  return { kind: 'user', name, mayPublish: () => false, maySubscribe: () => undefined, mayReceive: () => false }
}
