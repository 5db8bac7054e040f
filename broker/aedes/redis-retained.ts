/**
 * Retained messages in Redis, stored by aedes-persistence-redis behind a connection that corrects its faults: it does
 * not escape its patterns, scans ten keys at a time, and ignores the key prefix in a Cluster.
 */
import type { Readable } from 'node:stream'
import redisPersistence from 'aedes-persistence-redis'
import { Cluster, type Redis } from 'ioredis'
import { inTime } from '../../common/in-time.ts'
import { PushError } from '../../errors.ts'
import type { RetainedTopic } from '../../store/contract.ts'
import { openStateConnection } from '../../store/redis/index.ts'
import { filterMatches } from '../codec/topic-syntax.ts'
import { type RetainedPacket, retainedPacketOf, retainedTopicOf } from './retained-packet.ts'
import type { RetainedMessages, RetainedUsage } from './retained-topics.ts'

interface RedisRetainedOptions {
  readonly url: string
  /** Prefix of the installation. */
  readonly prefix: string
  readonly now: () => number
}

/** The used part of the persistence, which neither listens nor writes anything else. */
export interface RetainedPersistence {
  storeRetained(packet: RetainedPacket): Promise<void>
  createRetainedStreamCombi(filters: readonly string[]): AsyncIterable<RetainedPacket> & Readable
}

/** Keys per request. */
const KEYS = 1_000
/** Of one call, ms. A Cluster without masters lets commands wait. */
const LONGEST_MS = 5_000
const HASH = 'retained'

/**
 * Removes an expired message, where it is still the one that was read. KEYS: the hash, or the key of the topic. ARGV: what only
 * this message holds; the topic, or ''.
 */
const REMOVE = `
local value
if ARGV[2] == '' then value = redis.call('GET', KEYS[1]) else value = redis.call('HGET', KEYS[1], ARGV[2]) end
if not value or not string.find(value, ARGV[1], 1, true) then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
return redis.call('HDEL', KEYS[1], ARGV[2])`

export function openRedisRetained({ url, prefix, now }: RedisRetainedOptions): RetainedMessages {
  const keyPrefix = `${prefix}:mqtt:`
  const client = openStateConnection({ url, keyPrefix })
  return new RedisRetained(client, keyPrefix, now)
}

class RedisRetained implements RetainedMessages {
  readonly #client: Redis | Cluster
  readonly #persistence: RetainedPersistence
  readonly #now: () => number
  readonly #keyPrefix: string
  /** By topic, what is under way: a Cluster may take two commands in another order than they were sent in. */
  readonly #storing = new Map<string, Promise<void>>()

  constructor(client: Redis | Cluster, keyPrefix: string, now: () => number) {
    this.#client = client
    this.#now = now
    this.#keyPrefix = keyPrefix
    const conn = client instanceof Cluster ? clusterConnection(client, keyPrefix) : serverConnection(client)
    this.#persistence = redisPersistence({ conn, cluster: client instanceof Cluster })
  }

  async retain(retained: RetainedTopic): Promise<void> {
    const { topic } = retained
    const before = this.#storing.get(topic)
    const packet = retainedPacketOf(retained)
    const store = (): Promise<void> => answered(this.#persistence.storeRetained(packet))
    const storing = before === undefined ? store() : before.then(store, store)
    this.#storing.set(topic, storing)
    try {
      await storing
    } catch (error) {
      throw unavailable(error)
    } finally {
      if (this.#storing.get(topic) === storing) this.#storing.delete(topic)
    }
  }

  matching(filter: string): AsyncIterable<RetainedTopic> {
    return this.#read(filter, (topic) => filterMatches(filter, topic.split('/')))
  }

  /** The persistence has `$` topics for `#` as well. */
  all(): AsyncIterable<RetainedTopic> {
    return this.#read('#', () => true)
  }

  /** Nobody fetches the messages to count their bytes. */
  async usage(): Promise<RetainedUsage> {
    try {
      return { messages: await answered(this.#count()), bytes: 0 }
    } catch (error) {
      throw unavailable(error)
    }
  }

  async #count(): Promise<number> {
    const client = this.#client
    if (!(client instanceof Cluster)) return await client.hlen(HASH)
    await this.#ready()
    let count = 0
    for (const node of client.nodes('master'))
      for await (const _ of keysOf(node, this.#keyPrefix, { match: `${HASH}:*` })) count += 1
    return count
  }

  async *#read(filter: string, isMeant: (topic: string) => boolean): AsyncIterable<RetainedTopic> {
    // A key may be found twice while Redis moves it to another place.
    const told = new Set<string>()
    try {
      await answered(this.#ready())
      for await (const packet of this.#persistence.createRetainedStreamCombi([filter])) {
        const retained = retainedTopicOf(packet, this.#now())
        const { topic } = retained
        if (told.has(topic) || !isMeant(topic)) continue
        told.add(topic)
        if (retained.expiresAt > this.#now()) yield retained
        else this.#remove(packet)
      }
    } catch (error) {
      throw unavailable(error)
    }
  }

  close(): void {
    this.#client.disconnect()
  }

  /** While a master is unreachable, the messages that it holds would be omitted silently. */
  async #ready(): Promise<void> {
    const client = this.#client
    if (!(client instanceof Cluster) || (await hasAllMasters(client))) return
    // One that had gone is known again only when the slots are asked for, and nothing asks where no command meets it.
    await refreshed(client)
    if (!(await hasAllMasters(client))) throw new Error('not every master of the Cluster is there')
  }

  #remove({ topic, push }: RetainedPacket): void {
    if (push === undefined) return
    const isCluster = this.#client instanceof Cluster
    const key = isCluster ? `${HASH}:${encodeURIComponent(topic)}` : HASH
    // The next reader tries again.
    this.#client.eval(REMOVE, 1, key, Buffer.from(push), isCluster ? '' : topic).catch(() => undefined)
  }
}

async function hasAllMasters(cluster: Cluster): Promise<boolean> {
  const ranges = await cluster.cluster('SLOTS')
  const masters = new Set(ranges.map(([, , master]) => String(master)))
  return cluster.nodes('master').length >= masters.size
}

function refreshed(cluster: Cluster): Promise<void> {
  return new Promise((resolve, reject) => {
    cluster.refreshSlotsCache((error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

function unavailable(cause: unknown): PushError {
  return cause instanceof PushError ? cause : new PushError('STORE_UNAVAILABLE', 'retained messages', { cause })
}

function answered<T>(work: Promise<T>): Promise<T> {
  return inTime(work, LONGEST_MS, () => new Error('Redis does not answer'))
}

interface Scan {
  readonly match: string
}

/** A text that a pattern of Redis finds as it is. */
const literal = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&')

/** The persistence ends what it asks for with `*`, and means everything before it as it is. */
const patternOf = ({ match }: Scan): string => `${literal(match.slice(0, -1))}*`

function serverConnection(client: Redis): object {
  return {
    hset: (key: string, field: string, value: Buffer) => client.hset(key, field, value),
    hdel: (key: string, field: string) => client.hdel(key, field),
    hgetBuffer: (key: string, field: string) => client.hgetBuffer(key, field),
    hscanBufferStream: (key: string, scan: Scan) =>
      client.hscanBufferStream(key, { match: patternOf(scan), count: KEYS }),
  }
}

function clusterConnection(cluster: Cluster, keyPrefix: string): object {
  return {
    set: (key: string, value: Buffer) => cluster.set(key, value),
    del: (key: string) => cluster.del(key),
    getBuffer: (key: string) => cluster.getBuffer(key),
    nodes: () =>
      cluster.nodes('master').map((node) => ({ scanBufferStream: (scan: Scan) => keysOf(node, keyPrefix, scan) })),
  }
}

/** The masters know nothing of the prefix. */
async function* keysOf(node: Redis, keyPrefix: string, scan: Scan): AsyncIterable<Buffer> {
  const match = literal(keyPrefix) + patternOf(scan)
  for await (const keys of node.scanBufferStream({ match, count: KEYS }))
    for (const key of keys) yield Buffer.from(key).subarray(keyPrefix.length)
}
