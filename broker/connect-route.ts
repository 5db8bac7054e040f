/** CONNECT: to a session of a device, a provider or a user, to the broker that is attached, or refused. */
import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'
import type { Auth } from '../auth/contract.ts'
import { looksLikeStoredKey, looksLikeToken } from '../auth/index.ts'
import { networkOf } from '../common/networks.ts'
import type { RateByKey } from '../common/rates.ts'
import { PushError } from '../errors.ts'
import type { Provider } from '../topics/index.ts'
import type { Attached } from './aedes/attached.ts'
import type { ConnectPacket } from './codec/packets.ts'
import type { Connection } from './gate/connection.ts'
import { connectDevice } from './session/connect.ts'
import type { ListenerRules } from './session/listener-rules.ts'
import type { DeviceNode } from './session/node.ts'
import { connectProvider } from './session/provider-connect.ts'
import type { ProviderNode } from './session/provider-node.ts'
import { endWithUser } from './session/provider-user.ts'
import { arrivalOf, portOf, type UserArrival } from './session/user-arrival.ts'
import { connectUser } from './session/user-connect.ts'
import type { UserNode } from './session/user-node.ts'
import type { Users } from './session/users.ts'

interface ConnectRouteContext {
  readonly auth: Auth
  readonly logger: Logger
  readonly devices: DeviceNode
  readonly providers: ProviderNode
  /** Absent: there are no users of ours. */
  readonly general: UserNode | undefined
  /** Where the listener has none of its own. */
  readonly users: Users | undefined
  /** By address. */
  readonly connects: Pick<RateByKey, 'take'>
  readonly isClosing: () => boolean
  readonly attached: () => Attached | undefined
  /** Until then, users would not hear clients of the broker that is attached. */
  readonly attaching: () => Promise<void> | undefined
}

interface Arrived {
  /** Of the listener that the connection came by. */
  readonly rules: ListenerRules
  /** Of a WebSocket. */
  readonly request: IncomingMessage | undefined
}

export class ConnectRoute {
  readonly #context: ConnectRouteContext

  constructor(context: ConnectRouteContext) {
    this.#context = context
  }

  /** Answers the CONNECT, whatever comes of it. */
  async run(connection: Connection, connect: ConnectPacket, { rules, request }: Arrived): Promise<void> {
    const { auth, logger, devices, providers, connects, general } = this.#context
    const users = general === undefined ? undefined : (rules.users ?? this.#context.users)
    try {
      if (this.#context.isClosing()) throw new PushError('SHUTTING_DOWN')
      const { password, properties } = connect
      const { remoteAddress } = connection
      if (remoteAddress !== '' && !connects.take(networkOf(remoteAddress)))
        throw new PushError('CONNECT_RATE_EXCEEDED', 'from this address')
      // [MQTT-4.12.0-1]
      if (properties.authenticationMethod !== undefined) throw new PushError('AUTHENTICATION_METHOD_UNSUPPORTED')
      if (password !== undefined && looksLikeToken(password) && !this.#isForeign(password, users)) {
        connection.tellsReasons = true
        await connectDevice(devices, connection, connect)
        return
      }
      const isProvider = connect.username === 'provider' && password !== undefined
      if (isProvider) connection.tellsReasons = true
      const provider = isProvider ? (auth.provider(password) ?? (await auth.newProvider(password))) : undefined
      if (provider !== undefined) {
        await connectProvider(providers, connection, connect, provider)
        return
      }
      // A key of ours is nothing for anybody else to judge.
      if (password !== undefined && looksLikeStoredKey(password)) throw new PushError('CREDENTIALS_INVALID')
      if (isProvider && users?.ownTokensOnly === true) throw new PushError('CREDENTIALS_INVALID')
      await this.#context.attaching()
      if (users !== undefined && (await this.#isUser(connection, connect, { users, rules, request }))) return
      if (this.#goesOn(connect)) return this.#context.attached()?.connect(connection, connect, request)
      throw this.#refusal(connect, users)
    } catch (error) {
      const known = error instanceof PushError ? error : new PushError('INTERNAL')
      if (known.code === 'INTERNAL') logger.error({ connection: connection.id, err: error }, 'CONNECT failed')
      connection.refuse(connect, known)
      this.#tellRefused(rules, connection, connect, known)
    }
  }

  #tellRefused(rules: ListenerRules, connection: Connection, { clientId }: ConnectPacket, { code }: PushError): void {
    const { remoteAddress: address, stream } = connection
    try {
      rules.refused?.({ clientId, address, port: portOf(stream), code })
    } catch (error) {
      this.#context.logger.error({ connection: connection.id, err: error }, 'the `refused` rule of a listener threw')
    }
  }

  /** It is answered, as one of our users. */
  async #isUser(
    connection: Connection,
    connect: ConnectPacket,
    { users, rules, request }: { users: Users; rules: ListenerRules; request: IncomingMessage | undefined },
  ): Promise<boolean> {
    const { general, providers } = this.#context
    if (general === undefined) return false
    const socket = request?.socket ?? connection.stream
    const arrival = await arrivalOf(users, rules, { connection, connect, socket }, general)
    if (arrival === undefined) return false
    const provider = this.#providerOf(arrival)
    if (provider === undefined) await connectUser(general, connection, connect, arrival)
    else {
      endWithUser(arrival, connection, general)
      await connectProvider(providers, connection, connect, provider, arrival.user.name)
    }
    return true
  }

  #providerOf({ user }: UserArrival): Provider | undefined {
    return user.isVerified === true ? this.#context.auth.providerOfUser(user.name) : undefined
  }

  /** Guessing credentials of ours must not make anybody a client of a broker that accepts everyone. */
  #goesOn({ username, password }: ConnectPacket): boolean {
    const attached = this.#context.attached()
    if (attached === undefined) return false
    const isLikeOurs = username === 'provider' || (password !== undefined && looksLikeToken(password))
    return attached.judges || !isLikeOurs
  }

  #refusal({ password }: ConnectPacket, users: Users | undefined): PushError {
    if (users !== undefined || this.#context.attached() !== undefined) return new PushError('USER_REFUSED')
    return new PushError(password === undefined ? 'CREDENTIALS_MISSING' : 'CREDENTIALS_INVALID')
  }

  /** A JWT that was not issued here is for users to judge, or for the broker that is attached. */
  #isForeign(password: Buffer, users: Users | undefined): boolean {
    if (users?.ownTokensOnly === true || (users === undefined && this.#context.attached()?.judges !== true))
      return false
    try {
      this.#context.auth.verify(password.toString('latin1'))
      return false
    } catch (error) {
      return error instanceof PushError && error.code === 'TOKEN_INVALID'
    }
  }
}
