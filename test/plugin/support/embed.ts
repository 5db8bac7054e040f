/** Push inside this very program, as an embedder has it: his broker, his listeners, our part in between. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server as TcpServer } from 'node:net'
import { Aedes, type AedesOptions } from 'aedes'
import { createPush, type Push, type PushOptions } from '../../../index.ts'
import { type Scope, temporaryFolder } from '../../support/index.ts'

export const PROVIDER_KEY = 'provider-key-of-the-tests-0123456789'

export interface Embedded {
  readonly push: Push
  readonly broker: Aedes
  readonly listener: TcpServer
  readonly dataDir: string
  readonly host: string
  readonly mqttPort: number
  readonly httpPort: number
  readonly providerKey: string
}

/** One user of the embedder's, who may do everything that his hooks do not forbid. */
export const JOE = { username: 'joe', password: 'joes-password' }

export const authenticateJoe: NonNullable<AedesOptions['authenticate']> = (_client, username, password, done) =>
  done(null, username === JOE.username && String(password) === JOE.password)

export async function embed(
  t: Scope,
  own: AedesOptions = { authenticate: authenticateJoe },
  options: Partial<PushOptions> = {},
): Promise<Embedded> {
  const dataDir = options.dataDir ?? temporaryFolder(t, 'embedded')
  const push = await createPush({ providers: [{ name: 'backend', key: PROVIDER_KEY }], ...options, dataDir })
  const broker = await Aedes.createBroker(push.aedesOptions(own))
  const listener = createServer((socket) => void broker.handle(socket))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  await push.http.listen({ host: '127.0.0.1', port: 0 })
  push.webSocket(push.http.server)
  t.teardown(async () => {
    listener.close()
    await push.close()
  })
  return {
    push,
    broker,
    listener,
    dataDir,
    host: '127.0.0.1',
    mqttPort: (listener.address() as AddressInfo).port,
    httpPort: (push.http.server.address() as AddressInfo).port,
    providerKey: PROVIDER_KEY,
  }
}
