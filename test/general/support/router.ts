/** The router of general topics on a store of the test's, without sessions. */
import { pino } from 'pino'
import type { Test } from 'tap'
import type { OwnRouter } from '../../../broker/aedes/general-router.ts'
import { openGeneralTopics } from '../../../broker/index.ts'
import { DEFAULT_LIMITS } from '../../../common/limits.ts'
import { createRandomId } from '../../../common/random-id.ts'
import { openRedisRetained } from '../../../broker/aedes/redis-retained.ts'
import { type RetainedMessages, retainedInStore } from '../../../broker/aedes/retained-topics.ts'
import type { QoS } from '../../../broker/codec/packets.ts'
import type {
  GeneralDelivery,
  GeneralMessage,
  GeneralReceiver,
  GeneralSubscription,
} from '../../../broker/session/general.ts'
import type { RetainedTopic, Store } from '../../../store/contract.ts'
import { redisStore } from '../../redis/support/engine.ts'
import { openLevel } from '../../store/support/level.ts'
import { startRedis, startRedisCluster } from '../../support/index.ts'

type Scope = Pick<Test, 'teardown'>

let routers = 0

export async function openRouter(t: Scope, store: Store, retained?: RetainedMessages): Promise<OwnRouter> {
  const logger = pino({ level: 'silent' })
  const kept = retained ?? (store.retainedTopics && retainedInStore(store.retainedTopics))
  if (kept === undefined) throw new Error('say where messages are retained')
  const id = `broker${++routers}`
  const { router, close } = await openGeneralTopics({
    store,
    logger,
    limits: DEFAULT_LIMITS,
    id,
    randomId: createRandomId(),
    retained: kept,
    now: Date.now,
    monotonic: () => performance.now(),
  })
  t.teardown(close)
  return router
}

/** On an embedded store of its own. */
export async function embeddedRouter(t: Test, now = Date.now): Promise<Node> {
  const { store } = await openLevel(t, { now })
  return { store, router: await openRouter(t, store) }
}

interface Node {
  readonly store: Store
  readonly router: OwnRouter
}

/** A node of its own on a Redis. */
export async function redisRouter(t: Scope, url: string, prefix = 'push', now = Date.now): Promise<Node> {
  const store = await redisStore(t, { url, prefix, now })
  return { store, router: await openRouter(t, store, openRedisRetained({ url, prefix, now })) }
}

/** The same for each kind of store; `open` gives another node where there can be one, and the same one where not. */
export async function onEachStore(
  t: Test,
  run: (t: Test, open: () => Promise<Node>) => Promise<void>,
  now = Date.now,
): Promise<void> {
  await t.test('embedded', async (t) => {
    const node = await embeddedRouter(t, now)
    await run(t, async () => node)
  })
  await t.test('a single Redis', async (t) => {
    const { url } = await startRedis(t, { config: { appendonly: 'no' } })
    await run(t, () => redisRouter(t, url, 'push', now))
  })
  await t.test('a Cluster', async (t) => {
    const { url } = await startRedisCluster(t, { config: { appendonly: 'no' } })
    await run(t, () => redisRouter(t, url, 'push', now))
  })
}

export type Arrived = readonly [message: GeneralMessage, delivery: GeneralDelivery]

export class Receiver implements GeneralReceiver {
  readonly name: string
  readonly epoch: number
  readonly isKept: boolean
  readonly arrivals: Arrived[] = []

  constructor(name: string, epoch = 0) {
    this.name = name
    this.epoch = epoch
    this.isKept = epoch > 0
  }

  arrived(message: GeneralMessage, delivery: GeneralDelivery): void {
    this.arrivals.push([message, delivery])
  }

  get texts(): string[] {
    return this.arrivals.map(([{ payload }]) => Buffer.from(payload).toString())
  }
}

/** Connected, without a session that is kept, and subscribed. */
export async function listen(router: OwnRouter, name: string, ...filters: readonly Asked[]): Promise<Receiver> {
  const receiver = new Receiver(name)
  await router.connect(receiver, [])
  await router.subscribe(receiver, filters.map(subscription))
  return receiver
}

/** The same with a session that is kept. */
export async function listenKept(
  store: Store,
  router: OwnRouter,
  name: string,
  ...filters: readonly Asked[]
): Promise<Receiver> {
  const { epoch } = await store.openNamedSession(name, false)
  const receiver = new Receiver(name, epoch)
  await router.connect(receiver, [])
  await router.subscribe(receiver, filters.map(subscription))
  return receiver
}

type Asked = string | (Partial<GeneralSubscription> & { readonly filter: string })

export function subscription(asked: Asked): GeneralSubscription {
  const { filter, ...rest } = typeof asked === 'string' ? { filter: asked } : asked
  return { name: filter, filter, qos: 2, noLocal: false, retainAsPublished: false, identifier: 0, ...rest }
}

let messages = 0

export function general(topic: string, text: string, options: Partial<GeneralMessage> = {}): GeneralMessage {
  const now = Date.now()
  const qos: QoS = 1
  const id = `m${++messages}`
  const times = { storedAt: now, expiresAt: now + 3_600_000 }
  return { topic, payload: Buffer.from(text), id, qos, retain: false, from: 'publisher', ...times, ...options }
}

export async function logOf(store: Store, name: string): Promise<string[]> {
  const { entries } = await store.readSession(name, 0, { entries: 10_000, bytes: Infinity })
  return entries.map(({ payload }) => Buffer.from(payload).toString())
}

export async function retainedBy(router: OwnRouter, filter: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { topic, payload } of await listed(router.retained(filter))) found[topic] = Buffer.from(payload).toString()
  return found
}

export async function listed(retained: AsyncIterable<RetainedTopic>): Promise<RetainedTopic[]> {
  const all: RetainedTopic[] = []
  for await (const each of retained) all.push(each)
  return all
}
