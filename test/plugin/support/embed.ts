/** Push inside this very program, as an embedder has it: his users, his listeners, our part in between. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server as TcpServer } from 'node:net'
import { Aedes, type AedesOptions } from 'aedes'
import { createPush, type Push, type PushOptions, type User, type Users } from '../../../index.ts'
import { type Scope, temporaryFolder } from '../../support/index.ts'

export const PROVIDER_KEY = 'provider-key-of-the-tests-0123456789'

export interface Embedded {
  readonly push: Push
  readonly listener: TcpServer
  readonly dataDir: string
  readonly host: string
  readonly mqttPort: number
  readonly httpPort: number
  readonly providerKey: string
}

/** One user of the embedder's. */
export const JOE = { username: 'joe', password: 'joes-password' }

/** He may do everything, but for what `limits` says. */
export function usersWithJoe(limits: Partial<User> = {}, rest: Partial<Users> = {}): Users {
  const joe: User = {
    kind: 'user',
    name: JOE.username,
    mayPublish: () => true,
    maySubscribe: (_filter, qos) => qos,
    ...limits,
  }
  return {
    async authenticate({ username, password }) {
      return username === JOE.username && String(password) === JOE.password ? joe : undefined
    },
    ...rest,
  }
}

export async function embed(t: Scope, options: Partial<PushOptions> = {}): Promise<Embedded> {
  const dataDir = options.dataDir ?? temporaryFolder(t, 'embedded')
  const providers = [{ name: 'backend', key: PROVIDER_KEY }]
  const push = await createPush({ providers, users: usersWithJoe(), ...options, dataDir })
  const served = await serve(push)
  t.teardown(served.close)
  return { ...served, dataDir }
}

export async function serve(push: Push) {
  const listener = createServer((socket) => push.handle(socket))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  await push.http.listen({ host: '127.0.0.1', port: 0 })
  push.webSocket(push.http.server)
  return {
    push,
    listener,
    host: '127.0.0.1',
    mqttPort: (listener.address() as AddressInfo).port,
    httpPort: (push.http.server.address() as AddressInfo).port,
    providerKey: PROVIDER_KEY,
    async close() {
      listener.close()
      await push.close()
    },
  }
}

/** With a broker of the embedder's, whose clients are none of ours. */
export async function attach(
  t: Scope,
  own: AedesOptions = {},
  options: Partial<PushOptions> = {},
): Promise<Omit<Embedded, 'dataDir'> & { readonly broker: Aedes }> {
  const dataDir = options.dataDir ?? temporaryFolder(t, 'attached')
  const push = await createPush({ providers: [{ name: 'backend', key: PROVIDER_KEY }], ...options, dataDir })
  const broker = await Aedes.createBroker(own)
  push.attach(broker)
  const served = await serve(push)
  t.teardown(async () => {
    await served.close()
    await new Promise<void>((resolve) => broker.close(resolve))
  })
  return { ...served, broker }
}
