/** MQTT state that is not push: sessions of providers and users, their queues, retained messages, wills, QoS 2. */
import { Readable } from 'node:stream'
import type { Aedes } from 'aedes'
import { ClassicLevel, type BatchOperation } from 'classic-level'
import levelPersistence from 'aedes-persistence-level'
import type {
  AedesPersistence,
  Named,
  GeneralState,
  SessionRecords,
  StoredPacket,
  StoredSubscription,
} from './contract.ts'
import { FilterIndex } from './filter-index.ts'
import { answeringAll } from './notices.ts'
import { overriding } from './overriding.ts'
import { openLevelGroups } from './group-persistence.ts'
import type { QueueLimit } from './queue-limit.ts'
import { privateDirectory } from '../../common/private-files.ts'
import { openProblem, unavailable } from '../../store/index.ts'

type Operations = BatchOperation<ClassicLevel<string, Uint8Array>, string, Uint8Array>[]

/** The part of a level database that aedes-persistence-level calls, with synced writes: what is acknowledged survives. */
function synced(database: ClassicLevel<string, Uint8Array>): object {
  const sync = { sync: true }
  return {
    get: database.get.bind(database),
    values: database.values.bind(database),
    clear: database.clear.bind(database),
    close: database.close.bind(database),
    del: database.del.bind(database),
    put: (key: string, value: Uint8Array, options: object) => database.put(key, value, { ...options, ...sync }),
    batch: (operations?: Operations, options?: object) =>
      // Without arguments a chained batch, which only ever forgets what a client has acknowledged.
      operations === undefined ? database.batch() : database.batch(operations, { ...options, ...sync }),
  }
}

/** On disk in `directory`, by aedes-persistence-level. */
export async function openLevelState(directory: string): Promise<GeneralState> {
  await privateDirectory(directory)
  const database = new ClassicLevel<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await database.open().catch((error: unknown) => {
    throw unavailable(openProblem(error, directory), error)
  })
  const groups = await openLevelGroups(database).catch(async (error: unknown) => {
    await database.close()
    throw error
  })
  return {
    persistence: findingAllFilters(answeringAll(keepingProperties(levelPersistence(synced(database)))), database),
    records: levelRecords(database),
    groups,
    // Not synced, unlike its own way, which also writes twice: what a crash brings back is delivered again.
    take: (clientId, { brokerId, brokerCounter }) =>
      database.del(`${queueOf(clientId)}:${brokerId}:${String(brokerCounter).padStart(16, '0')}`),
    async queueLength(clientId, limit) {
      const start = queueOf(clientId)
      return (await database.keys({ gt: `${start}:`, lt: `${start};`, limit }).all()).length
    },
    close: () => database.close(),
  }
}

/** The keys of aedes-persistence-level, at the version that is pinned. */
const queueOf = (clientId: string) => `outgoing:${encodeURIComponent(clientId)}`

/**
 * aedes-persistence-level 9.2.0 queues a packet without its properties and its expiry, since it brings an aedes-packet of
 * its own, 3.0.0; that keeps whatever stands for the publisher's client id, so all of it travels there.
 */
function keepingProperties(persistence: AedesPersistence): AedesPersistence {
  const packed = (packet: StoredPacket): StoredPacket => {
    const { properties, messageExpiry, clientId } = packet
    if (properties === undefined && messageExpiry === undefined) return packet
    return { ...packet, clientId: { properties, messageExpiry, clientId } as unknown as string }
  }
  return overriding(persistence, {
    outgoingEnqueue: (subscription, packet) => persistence.outgoingEnqueue(subscription, packed(packet)),
    outgoingEnqueueCombi: (subscriptions, packet) => persistence.outgoingEnqueueCombi(subscriptions, packed(packet)),
    async *outgoingStream(client) {
      for await (const packet of persistence.outgoingStream(client)) {
        const { clientId } = packet as { clientId?: unknown }
        if (typeof clientId === 'object') yield withoutNull({ ...packet, clientId: undefined, ...clientId })
        else yield packet
      }
    },
  })
}

/**
 * aedes-persistence-level 9.2.0 forgets a filter of a client when it adds one that it matches with another QoS: what
 * comes while the client is away would not be queued. So the filters are looked up here.
 */
function findingAllFilters(
  persistence: AedesPersistence,
  database: ClassicLevel<string, Uint8Array>,
): AedesPersistence {
  const index = new FilterIndex()
  const add = (clientId: string, subscriptions: readonly Omit<StoredSubscription, 'clientId'>[]) => {
    for (const each of subscriptions) {
      if (each.qos > 0) index.add({ ...each, clientId })
      else index.remove(each.topic, clientId)
    }
  }
  return overriding(persistence, {
    async setup(broker) {
      const clients = new Set<string>()
      for await (const key of database.keys({ gte: 'subscriptions:', lt: 'subscriptions;' }))
        clients.add(decodeURIComponent(key.split(':')[1] ?? ''))
      for (const id of clients) add(id, await persistence.subscriptionsByClient({ id }))
      await persistence.setup(broker)
    },
    async addSubscriptions(client, subscriptions) {
      await persistence.addSubscriptions(client, subscriptions)
      add(client.id, subscriptions)
    },
    async removeSubscriptions(client, filters) {
      for (const filter of filters) index.remove(filter, client.id)
      await persistence.removeSubscriptions(client, filters)
    },
    async cleanSubscriptions(client) {
      for (const { topic } of await persistence.subscriptionsByClient(client)) index.remove(topic, client.id)
      await persistence.cleanSubscriptions(client)
    },
    async subscriptionsByTopic(topic) {
      return index.match(topic)
    },
    createRetainedStreamCombi: (filters) => Readable.from(retainedFor(filters, persistence, database)),
  })
}

/** aedes-persistence-level reads all retained messages once for each filter; they are read once here. */
async function* retainedFor(
  filters: readonly string[],
  persistence: AedesPersistence,
  database: ClassicLevel<string, Uint8Array>,
): AsyncGenerator<StoredPacket> {
  // Aedes does not wait for its streams when it closes, nor listen to their errors.
  if (database.status !== 'open') return
  const index = new FilterIndex()
  for (const topic of filters) index.add({ clientId: '', topic, qos: 0 })
  for await (const packet of persistence.createRetainedStream('#'))
    if (index.match(packet.topic).length > 0) yield packet
}

/** What was undefined comes back as null. */
function withoutNull(packet: object): StoredPacket {
  return Object.fromEntries(
    Object.entries(packet).filter(([, value]) => value !== null && value !== undefined),
  ) as unknown as StoredPacket
}

/** One process has one connection of a client id, which is gone before the next claims the record. */
function levelRecords(database: ClassicLevel<string, Uint8Array>): SessionRecords {
  const keyOf = (clientId: string) => `session:${encodeURIComponent(clientId)}`
  return {
    claim: (clientId) => database.get(keyOf(clientId)),
    write: (clientId, _owner, record) => database.put(keyOf(clientId), record, { sync: true }),
    remove: (clientId) => database.del(keyOf(clientId), { sync: true }),
    owns: () => Promise.resolve(true),
  }
}

/**
 * The persistence as Aedes gets it: `adopt` is called first when Aedes sets it up and `ready` last, and the queue of a
 * client is for us to send. A message is queued once for a client, however many of its subscriptions match, and not for the one who
 * published it where No Local says so [MQTT-3.8.3-3].
 */
export function forAedes(
  persistence: AedesPersistence,
  limit: QueueLimit,
  adopt: (broker: Aedes) => void,
  ready: () => void,
  willStays: (client: Named, error: unknown) => void,
): AedesPersistence {
  let earlier: Promise<unknown> = Promise.resolve()
  const adding = new WeakMap<object, Promise<unknown>>()
  async function enqueue(clients: ReadonlyMap<string, StoredSubscription>, packet: StoredPacket): Promise<void> {
    const admitted = await limit.admit([...clients.keys()])
    const open = [...clients.values()].filter(({ clientId }) => admitted.has(clientId))
    if (open.length > 0) await persistence.outgoingEnqueueCombi(open, packet)
  }
  return overriding(persistence, {
    async setup(broker: Aedes): Promise<void> {
      adopt(broker)
      await persistence.setup(broker)
      ready()
    },
    // Aedes does not catch this one when it connects a client: a rejection would end the process.
    delWill: (client) => persistence.delWill(client).catch((error: unknown) => willStays(client, error)),
    outgoingStream: () => Readable.from([]),
    /**
     * Aedes adds all subscriptions of a SUBSCRIBE once for each of them, so that a thousand are a million; and of two
     * calls at the same time, a persistence that waits for its own notice of them under one name answers the last only.
     */
    addSubscriptions(client, subscriptions) {
      const added = adding.get(subscriptions) ?? persistence.addSubscriptions(client, subscriptions)
      adding.set(subscriptions, added)
      return added
    },
    outgoingEnqueueCombi(subscriptions, packet) {
      const clients = new Map<string, StoredSubscription>()
      for (const each of subscriptions)
        if (each.nl !== true || each.clientId !== packet.clientId) clients.set(each.clientId, each)
      const queued = clients.size === 0 ? Promise.resolve() : enqueue(clients, packet)
      // Aedes hands a message to live clients when this resolves: so that is in the order they were published.
      const inOrder = Promise.all([queued, earlier]).then(() => undefined)
      earlier = inOrder.catch(() => undefined)
      return inOrder
    },
  })
}
