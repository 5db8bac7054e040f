/** Push in this very process, with listeners that have rules of their own. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import {
  createPush,
  type GeneralRules,
  type ListenerRules,
  type Push,
  type PushOptions,
  type User,
  type UserCredentials,
  type Users,
} from '../../../../index.ts'
import { connectRaw, type ConnectFields, type RawClient, type Scope, temporaryFolder } from '../../../support/index.ts'

export const PROVIDER_KEY = 'provider-key-of-the-rules-0123456789'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export interface Ruled {
  readonly push: Push
  readonly dataDir: string
  /** May be changed at any time. */
  readonly general: Mutable<GeneralRules>
  /** A listener with these rules. */
  listen(rules?: ListenerRules): Promise<Target>
  /** As a server ends. */
  close(): Promise<void>
}

export interface Target {
  readonly host: string
  readonly mqttPort: number
  readonly httpPort: number
  readonly providerKey: string
}

/** Every user name is one of a user, without a password too. */
export async function ruled(t: Scope, options: Partial<PushOptions> = {}): Promise<Ruled> {
  const dataDir = options.dataDir ?? temporaryFolder(t, 'rules')
  const general: Mutable<GeneralRules> = { ...options.generalRules }
  const providers = [{ name: 'backend', key: PROVIDER_KEY }]
  const push = await createPush({ providers, users: people(), ...options, dataDir, generalRules: general })
  const servers: { close(): void }[] = []
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    for (const server of servers) server.close()
    closing ??= push.close()
    return closing
  }
  t.teardown(close)
  return {
    push,
    dataDir,
    general,
    async listen(rules) {
      const server = createServer((socket) => push.handle(socket, undefined, rules))
      servers.push(server)
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      return { host: '127.0.0.1', mqttPort: port, httpPort: 0, providerKey: PROVIDER_KEY }
    },
    close,
  }
}

/** What each of them may do; by default everything. */
export function people(
  rulesOf: (credentials: Pick<UserCredentials, 'username' | 'clientId'>) => Partial<User> = () => ({}),
  more: Partial<Users> = {},
): Users {
  const user = (username: string, clientId: string): User => ({
    kind: 'user',
    name: username,
    mayPublish: () => true,
    maySubscribe: (_, qos) => qos,
    ...rulesOf({ username, clientId }),
  })
  return {
    authenticate: async ({ username, clientId }) => user(username, clientId),
    find: (name, of) => user(name, of?.clientId ?? ''),
    ...more,
  }
}

export interface Joining extends Omit<ConnectFields, 'clean'> {
  readonly level?: 3 | 4 | 5
  readonly clean?: boolean
  /** The bit that bridges of Mosquitto set. */
  readonly bridgeMode?: boolean
}

/** A user, byte by byte; without a name where it says none. Its CONNACK is there, whatever it says. */
export async function join(
  t: Scope,
  target: Target,
  clientId: string,
  { level = 5, clean = true, ...rest }: Joining = {},
) {
  const raw = await connectRaw(t, target.mqttPort, { protocolVersion: level })
  const connack = await raw.connect({
    username: 'ann',
    password: Buffer.from('x'),
    clientId,
    clean,
    keepalive: 60,
    ...rest,
  })
  return { raw, connack, code: connack.reasonCode ?? connack.returnCode }
}

export function publish(raw: RawClient, topic: string, payload: string | Buffer, more: object = {}): void {
  raw.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false, ...more })
}

export async function arrival(raw: RawClient) {
  const { topic, payload, qos, retain, messageId = 0 } = await raw.next('publish')
  return { topic, text: payload.toString(), qos, retain, messageId }
}
