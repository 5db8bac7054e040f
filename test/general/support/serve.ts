/** Sessions of users on the embedded store, in this process, and nothing around them. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { fileSecrets, openAuth } from '../../../auth/index.ts'
import type { OwnRouter } from '../../../broker/aedes/general-router.ts'
import { retainedInStore } from '../../../broker/aedes/retained-topics.ts'
import { openGeneralTopics, PushBroker } from '../../../broker/index.ts'
import type { User } from '../../../broker/session/general.ts'
import type { Users } from '../../../broker/session/users.ts'
import { DEFAULT_LIMITS, type Limits } from '../../../common/limits.ts'
import { createRandomId } from '../../../common/random-id.ts'
import { createMetrics, type Metrics } from '../../../common/metrics.ts'
import { BroadcastCounter, openLevelStore, type Store } from '../../../store/index.ts'
import { type Scope, temporaryFolder } from '../../support/index.ts'

export interface ServeOptions {
  readonly dataDir?: string
  readonly limits?: Partial<Limits>
  readonly users?: Partial<Users>
  /** What each user may do. */
  readonly rules?: Partial<User>
}

export interface General {
  readonly host: string
  readonly mqttPort: number
  readonly httpPort: number
  readonly store: Store
  readonly router: OwnRouter
  readonly metrics: Metrics
  readonly dataDir: string
  /** As a server ends. */
  close(): Promise<void>
}

/** Every user name is one of a user. */
export async function serve(t: Scope, options: ServeOptions = {}): Promise<General> {
  const { dataDir = temporaryFolder(t, 'general'), rules } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const metrics = createMetrics()
  const logger = pino({ level: process.env.PUSH_LOG_LEVEL ?? 'silent' })
  const store = openLevelStore({ directory: join(dataDir, 'store'), limits, now: Date.now })
  await store.open()
  if (store.retainedTopics === undefined) throw new Error('the embedded store retains messages')
  const general = await openGeneralTopics({
    store,
    logger,
    limits,
    id: 'general',
    randomId: createRandomId(),
    retained: retainedInStore(store.retainedTopics),
    now: Date.now,
    monotonic: () => performance.now(),
  })
  const users: Users = {
    authenticate: async ({ username }) => ({
      kind: 'user',
      name: username,
      mayPublish: () => true,
      maySubscribe: (_, qos) => qos,
      ...rules,
    }),
    ...options.users,
  }
  const secrets = fileSecrets(join(dataDir, 'keys'), { warn: () => undefined })
  const auth = await openAuth({ secrets, providers: [] })
  const revocations = { fresh: () => undefined, isRevoked: () => false, onRevoked: () => () => undefined }
  const counts = new BroadcastCounter({ store, failed: (error) => logger.warn({ err: error }, 'not counted') })
  const broker = new PushBroker({ auth, store, revocations, counts, metrics, logger, limits, users, general })
  const listener = createServer((socket) => broker.handle(socket))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      listener.close()
      await broker.close()
      await general.close()
      await store.close()
    })()
    return closing
  }
  t.teardown(close)
  const { port } = listener.address() as AddressInfo
  return { host: '127.0.0.1', mqttPort: port, httpPort: 0, store, router: general.router, metrics, dataDir, close }
}
