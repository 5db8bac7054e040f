/** The HTTP API with a real store and real keys on a real port. */
import type { Scope } from '../../support/scope.ts'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import {
  createHttpApi,
  KeyCopy,
  SigningKeys,
  type HttpApi,
  type HttpApiOptions,
  type HttpLimits,
} from '../../../bridge/index.ts'
import { openAuth, type Algorithm, type Auth, type ProviderKey } from '../../../auth/index.ts'
import { createMetrics, type Metrics } from '../../../common/metrics.ts'
import { Revocations } from '../../../store/revocations.ts'
import type { Store } from '../../../store/contract.ts'
import { DEFAULT_LIMITS } from '../../../common/limits.ts'
import type { MessageLimits } from '../../../store/message.ts'
import { BroadcastCounter, openLevelStore } from '../../../store/index.ts'
import { temporaryFolder } from '../../support/folders.ts'

export interface ServeOptions
  extends Partial<
    Pick<
      HttpApiOptions,
      'now' | 'monotonic' | 'random' | 'randomId' | 'ready' | 'corsOrigins' | 'console' | 'metricsText' | 'allowedHosts'
    >
  > {
  readonly limits?: Partial<HttpLimits & MessageLimits>
  readonly providers?: readonly ProviderKey[]
  /** Of message tokens; default: HS256. */
  readonly algorithm?: Algorithm
  /** Default: the embedded one, in a folder of the test's own. */
  readonly engine?: (now: () => number) => Store
  /** Stands between the API and the store. */
  readonly around?: (store: Store) => Partial<Store>
}

export interface Served {
  readonly httpPort: number
  readonly url: string
  readonly providerKey: string
  readonly app: HttpApi['http']
  /** Not open: nothing is delivered. */
  readonly webhooks: HttpApi['webhooks']
  readonly auth: Auth
  readonly store: Store
  readonly metrics: Metrics
  /** Lines of the log. */
  readonly logs: string[]
}

export const PROVIDER_KEY = 'provider-key-of-the-tests-0123456789'

export async function serve(t: Scope, options: ServeOptions = {}): Promise<Served> {
  const {
    limits,
    providers = [],
    around = () => ({}),
    now = Date.now,
    algorithm = 'HS256',
    engine: make,
    ...rest
  } = options
  const engine = make?.(now) ?? openLevelStore({ directory: temporaryFolder(t, 'bridge'), now })
  await engine.open()
  const logs: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void logs.push(line) })
  const keys = await KeyCopy.open({ store: engine, logger, now, monotonic: () => performance.now() })
  const monotonic = () => performance.now()
  const revocations = new Revocations({
    store: engine,
    now,
    monotonic,
    keepMs: 1e10,
    most: 100,
    failed: () => undefined,
  })
  await revocations.open()
  const signing = await SigningKeys.open({ store: engine, secrets: engine, algorithm, logger, now, monotonic })
  const auth = await openAuth({
    secrets: engine,
    ring: signing.ring,
    providers: [{ name: 'all', key: PROVIDER_KEY }, ...providers],
    storedKeys: keys,
    now,
  })
  const store = between(engine, around(engine))
  const metrics = createMetrics()
  const { http: app, webhooks } = createHttpApi({
    version: '0.0.0',
    auth,
    store,
    revocations,
    keys,
    signing,
    metrics,
    counts: new BroadcastCounter({ store, failed: () => undefined }),
    limits: { ...DEFAULT_LIMITS, ...limits },
    logger,
    now,
    ...rest,
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(async () => {
    await app.close()
    await Promise.all([keys.close(), signing.close()])
    revocations.close()
    await engine.close()
  })
  const httpPort = (app.server.address() as AddressInfo).port
  const url = `http://127.0.0.1:${httpPort}`
  return { httpPort, url, providerKey: PROVIDER_KEY, app, webhooks, auth, store, metrics, logs }
}

/** The store with some of its calls replaced. */
function between(store: Store, replaced: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const call = replaced[name] ?? target[name]
      return typeof call === 'function' ? call.bind(target) : call
    },
  })
}
