/** Finds the user of a CONNECT that is not from a device or provider. */
import type { PeerCertificate } from 'node:tls'
import type { Duplex } from 'node:stream'
import { inTime } from '../../common/in-time.ts'
import { PushError } from '../../errors.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { User } from './general.ts'
import { late, RuledUser, type RulesContext } from './user-rules.ts'
import type { UserCredentials, Users } from './users.ts'

/**
 * Undefined: no user of ours. `socket` is what the connection came through: its stream, or the socket of a WebSocket.
 * @throws PushError that refuses it
 */
export async function authenticateUser(
  users: Users,
  connection: Connection,
  { username = '', password, clientId }: Pick<ConnectPacket, 'username' | 'password' | 'clientId'>,
  socket: Duplex,
  context: RulesContext,
): Promise<{ readonly user: User; readonly credentials: UserCredentials } | undefined> {
  const gone = new AbortController()
  connection.onceOver(() => gone.abort())
  const certificate = certificateOf(socket)
  const credentials: UserCredentials = {
    username,
    // The packet's bytes are the decoder's, and this may be kept.
    password: password && Buffer.from(password),
    clientId,
    address: connection.remoteAddress,
    ...(certificate === undefined ? {} : { certificate }),
    signal: gone.signal,
  }
  try {
    // Some programs call nobody null.
    const user: User | null | undefined = await inTime(
      users.authenticate(credentials),
      context.limits.connectTimeoutMs,
      () => {
        gone.abort()
        return late()
      },
    )
    return user === undefined || user === null ? undefined : { user: new RuledUser(user, context), credentials }
  } catch (error) {
    if (error instanceof PushError) throw error
    context.logger.error({ connection: connection.id, err: error }, 'could not check a user; refusing the connection')
    throw new PushError('USER_UNCHECKED')
  }
}

/** What a TLS socket has besides. */
interface Secured {
  readonly authorized?: boolean
  getPeerCertificate?(): PeerCertificate
}

export function certificateOf(socket: Duplex & Secured): PeerCertificate | undefined {
  if (socket.authorized !== true) return undefined
  const certificate = socket.getPeerCertificate?.()
  // Node gives an empty object if there is none.
  return certificate === undefined || Object.keys(certificate).length === 0 ? undefined : certificate
}
