/** The start of a user's CONNECT: its listener, its identity and its client id. */
import type { Duplex } from 'node:stream'
import { PushError } from '../../errors.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import { authenticateUser, certificateOf } from './authenticate-user.ts'
import type { User } from './general.ts'
import type { KnownUsers } from './known-users.ts'
import type { ListenerRules } from './listener-rules.ts'
import type { RulesContext } from './user-rules.ts'
import type { UserCredentials, Users } from './users.ts'

export interface UserArrival {
  readonly user: User
  readonly users: Users
  /** As it came; kept where `users.recheck` needs it. */
  readonly credentials: UserCredentials | undefined
  readonly rules: ListenerRules
  readonly clientId: string
  /** The server made it. */
  readonly made: boolean
  /** Of its users, before they were asked. */
  readonly changes: number
  /** Port of the client; undefined if the transport has none. */
  readonly port: number | undefined
}

interface ArrivalContext extends RulesContext {
  readonly randomId: () => string
  readonly known: Pick<KnownUsers, 'changesOf'>
}

/**
 * Undefined: no user of ours. `socket` is what the connection came through: its stream, or the socket of a WebSocket.
 * @throws PushError that refuses it
 */
export async function arrivalOf(
  users: Users,
  rules: ListenerRules,
  { connection, connect, socket }: { connection: Connection; connect: ConnectPacket; socket: Duplex },
  context: ArrivalContext,
): Promise<UserArrival | undefined> {
  const { level } = connect
  if (rules.protocolLevels?.includes(level) === false)
    throw new PushError('PROTOCOL_VERSION_UNSUPPORTED', 'this listener takes others')
  const { clientId, made } = clientIdOf(connect, socket, rules, context)
  const changes = context.known.changesOf(users)
  const found = await authenticateUser(users, connection, { ...pick(connect), clientId }, socket, context)
  if (found === undefined) return undefined
  const { user, credentials } = found
  return {
    user,
    users,
    credentials: users.recheck === undefined ? undefined : credentials,
    rules,
    clientId,
    made,
    changes,
    port: portOf(socket),
  }
}

/** Of the client, where the transport has ports. */
export function portOf(socket: Duplex): number | undefined {
  const { remotePort } = socket as { readonly remotePort?: unknown }
  return typeof remotePort === 'number' ? remotePort : undefined
}

function pick({ username, password }: ConnectPacket): Pick<ConnectPacket, 'username' | 'password'> {
  return { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) }
}

function clientIdOf(
  { clientId, username, level, cleanStart }: ConnectPacket,
  socket: Duplex,
  rules: ListenerRules,
  { logger, randomId }: ArrivalContext,
): { readonly clientId: string; readonly made: boolean } {
  if (rules.clientId === undefined)
    return clientId === '' ? { clientId: randomId(), made: true } : { clientId, made: false }
  const certificate = certificateOf(socket)
  try {
    return rules.clientId({
      clientId,
      username,
      level,
      cleanStart,
      ...(certificate === undefined ? {} : { certificate }),
    })
  } catch (error) {
    if (error instanceof PushError) throw error
    logger.error({ err: error }, 'the `clientId` rule of a listener threw; refusing the client')
    throw new PushError('CLIENT_ID_REFUSED')
  }
}
