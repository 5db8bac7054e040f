/** One node in this process on a store of the test, so that a test asks the store itself what became of a message. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { type Auth, fileSecrets, openAuth } from '../../../auth/index.ts'
import { PushBroker } from '../../../broker/index.ts'
import { DEFAULT_LIMITS, type Limits } from '../../../common/limits.ts'
import { createMetrics, type Metrics } from '../../../common/metrics.ts'
import { BroadcastCounter, openLevelStore, type Store, type StoreObserver, type Watcher } from '../../../store/index.ts'
import { makeMessage } from '../../../store/message.ts'
import { openRedisStore } from '../../../store/redis/index.ts'
import { broadcastTopic, deviceMark, privateTopic, type Selector } from '../../../topics/index.ts'
import { type Arrival, type Device, type Issued, startRedis, temporaryFolder } from '../../support/index.ts'

export const APP = 'shop'
export const VERSION = '1.0.0'
export const ALL: Selector = { kind: 'all' }
const HOUR = 3_600_000
const PROVIDER_KEY = 'provider-key-of-the-tests-0123456789'

export type OpenStore = (observer?: StoreObserver, limits?: Partial<Limits>) => Promise<Store>

/** The same for each engine; over Redis, every call of `open` is another node on the same data. */
export async function eachEngine(t: Test, run: (t: Test, open: OpenStore) => Promise<void>): Promise<void> {
  await t.test('embedded', (t) => run(t, embedded(t)))
  await t.test('redis', async (t) => run(t, await overRedis(t)))
}

/** The same store each time: there is one process. */
function embedded(t: Test): OpenStore {
  let store: Promise<Store> | undefined
  const open: OpenStore = async (observer, limits = {}) => {
    const options = { directory: join(temporaryFolder(t, 'follow'), 'store'), limits, now: Date.now }
    return await opened(t, openLevelStore(observer === undefined ? options : { ...options, observer }))
  }
  return (observer, limits) => (store ??= open(observer, limits))
}

export async function overRedis(t: Test): Promise<OpenStore> {
  const { url } = await startRedis(t, { config: { appendonly: 'no' } })
  return (observer, limits = {}) =>
    opened(t, openRedisStore(observer === undefined ? { url, limits } : { url, limits, observer }))
}

async function opened(t: Test, store: Store): Promise<Store> {
  await store.open()
  t.teardown(() => store.close())
  return store
}

export interface Node {
  readonly host: string
  readonly mqttPort: number
  readonly httpPort: number
  readonly providerKey: string
  readonly metrics: Metrics
  readonly counts: BroadcastCounter
}

/** Nodes of one test share the keys. */
export async function openKeys(t: Test): Promise<Auth> {
  const secrets = fileSecrets(join(temporaryFolder(t, 'keys'), 'keys'), { warn: () => undefined })
  return await openAuth({ secrets, providers: [{ name: 'backend', key: PROVIDER_KEY }] })
}

export async function startNode(t: Test, auth: Auth, store: Store, changed: Partial<Limits> = {}): Promise<Node> {
  const metrics = createMetrics()
  const logger = pino({ level: process.env.PUSH_LOG_LEVEL ?? 'silent' })
  const counts = new BroadcastCounter({ store, failed: (error) => t.comment(error) })
  const revocations = { fresh: () => undefined, isRevoked: () => false, onRevoked: () => () => undefined }
  const limits = { ...DEFAULT_LIMITS, ...changed }
  const broker = new PushBroker({ auth, store, revocations, counts, metrics, logger, limits })
  const listener = createServer((socket) => broker.handle(socket))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(async () => {
    listener.close()
    await broker.close()
    await counts.close()
  })
  const { port } = listener.address() as AddressInfo
  return { host: '127.0.0.1', mqttPort: port, httpPort: 0, providerKey: PROVIDER_KEY, metrics, counts }
}

/** A token of this device. */
export async function issue(auth: Auth, store: Store, device: string): Promise<Issued> {
  const names = { app: APP, device, account: '' }
  const tokenId = auth.tokenIdOf(names)
  const registration = { tokenId, app: APP, deviceMark: deviceMark(APP, device), expiresAt: Date.now() + HOUR }
  const { generation } = await store.registerToken(registration)
  const { token, expiresAt } = auth.issue({ ...names, version: VERSION, ttl: 3_600, generation })
  const topics = { private: privateTopic(APP, tokenId), broadcast: broadcastTopic(APP, VERSION) }
  return { token, tokenId, expiresAt, topics }
}

export interface Wanted {
  readonly ttl?: number
  readonly collapseKey?: string
  readonly receipt?: boolean
  readonly retain?: boolean
}

/** Its id is its text. */
export function toDevice(store: Store, { tokenId }: Issued, text: string, wanted: Wanted = {}) {
  return store.append({ tokenId, app: APP, message: messageOf(text, wanted), dedupe: true })
}

export function toAll(store: Store, text: string, wanted: Wanted = {}) {
  return store.appendBroadcast({ app: APP, selector: ALL, message: messageOf(text, wanted), dedupe: true })
}

function messageOf(text: string, wanted: Wanted) {
  return makeMessage({ payload: Buffer.from(text), retain: false, id: text, ...wanted }, DEFAULT_LIMITS, Date.now())
}

export async function stateOf(store: Store, { tokenId }: Issued, id: string): Promise<string | undefined> {
  return (await store.messageStatus(tokenId, id))?.state
}

/** It loses these wakes, and no others. */
export function deafTo(store: Store, ...lost: readonly (keyof Watcher)[]): Store {
  return forwarding(store, (name) =>
    name === 'watch'
      ? (watcher: Watcher) =>
          store.watch(forwarding(watcher, (each) => (lost.some((one) => one === each) ? () => undefined : undefined)))
      : undefined,
  )
}

/** The same, but for what is replaced. */
export function forwarding<T extends object>(target: T, replaced: (name: string | symbol) => unknown): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = replaced(name) ?? Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** What reaches the device before a marker that is sent now. */
export async function barrierIn(store: Store, device: Device, issued: Issued): Promise<Arrival[]> {
  const marker = `marker ${randomUUID()}`
  await toDevice(store, issued, marker)
  const before: Arrival[] = []
  for (;;) {
    const arrival = await device.next()
    if (arrival.text === marker) return before
    before.push(arrival)
  }
}
