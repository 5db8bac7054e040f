/** MQTT state that is not push, shared by all nodes in Redis. */
import redisPersistence from 'aedes-persistence-redis'
import { openStateConnection, probeSubscriptions, unlessRefused } from '../../store/redis/index.ts'
import { createRedisEmitter } from './redis-emitter.ts'
import { answeringAll } from './notices.ts'
import type { GroupStore, GeneralState, SessionRecords, TakeOut } from './contract.ts'

interface RedisStateOptions {
  readonly url: string
  /** Of the installation. */
  readonly prefix: string
}

/** By aedes-persistence-redis and mqemitter-redis, under keys and channels of their own. */
export async function openRedisState({ url, prefix }: RedisStateOptions): Promise<GeneralState> {
  const keyPrefix = `${prefix}:mqtt:`
  const state = openStateConnection({ url, keyPrefix })
  const publisher = openStateConnection({ url, keyPrefix: '' })
  const subscriber = openStateConnection({ url, keyPrefix: '' })
  const stopProbing = probeSubscriptions(subscriber)
  const disconnect = () => {
    stopProbing()
    for (const { client } of [state, publisher, subscriber]) client.disconnect()
  }
  // Filters with wildcards are patterns, which a Redis user may ask for only where it may use all channels.
  const probe = `${keyPrefix}mq:*`
  await unlessRefused(subscriber.client.psubscribe(probe)).catch((error: unknown) => {
    disconnect()
    throw error
  })
  subscriber.client.punsubscribe(probe).catch(() => undefined)
  const client = state.client as unknown as RecordClient
  const persistence = redisPersistence({ conn: state.client, cluster: state.isCluster })
  const mq = createRedisEmitter({
    prefix: `${keyPrefix}mq:`,
    publisher: publisher.client,
    subscriber: subscriber.client,
  })
  return {
    persistence: answeringAll(persistence),
    records: redisRecords(client),
    groups: redisGroups(client),
    take: takeOut(client),
    queueLength: (clientId) => client.llen(`outgoing:${encodeURIComponent(clientId)}`),
    mq,
    async close() {
      disconnect()
    },
  }
}

/** The part of an ioredis client that is called here. */
interface RecordClient {
  evalBuffer(script: string, keys: number, ...values: (string | Buffer)[]): Promise<unknown>
  hget(key: string, field: string): Promise<string | null>
  lrem(key: string, count: number, value: string): Promise<number>
  llen(key: string): Promise<number>
  decr(key: string): Promise<number>
  sadd(key: string, member: string): Promise<number>
  srem(key: string, member: string): Promise<number>
  smembers(key: string): Promise<string[]>
  zadd(key: string, score: string, member: string): Promise<unknown>
  set(key: string, value: string, ...options: (string | number)[]): Promise<unknown>
  del(key: string): Promise<unknown>
}

/** KEYS: record. ARGV: owner, 1 when it will write. Returns what the last owner wrote, or nil. */
const CLAIM =
  "local data = redis.call('HGET', KEYS[1], 'data') if data or ARGV[2] == '1' then redis.call('HSET', KEYS[1], 'owner', ARGV[1]) end return data"
/** KEYS: record. ARGV: owner, data. */
const WRITE =
  "if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('HSET', KEYS[1], 'data', ARGV[2]) end return 1"
/** KEYS: record. ARGV: owner. */
const REMOVE = "if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1"

/**
 * aedes-persistence-redis takes a message out by packet id, which it keeps for 100,000 messages in all, and counts down
 * whoever asks: a client whose queue never had the message would take it from one that is away. So: only whose queue
 * had it counts down. These are its keys, at the version that is pinned.
 */
function takeOut(client: RecordClient): TakeOut {
  return async (clientId, { brokerId, brokerCounter }) => {
    const packet = `packet:${brokerId}:${brokerCounter}`
    const removed = await client.lrem(`outgoing:${encodeURIComponent(clientId)}`, 0, packet)
    if (removed === 0 || (await client.decr(`${packet}:offlineCount`)) > 0) return
    await client.del(packet)
    await client.del(`${packet}:offlineCount`)
  }
}

function redisRecords(client: RecordClient): SessionRecords {
  const keyOf = (clientId: string) => `session:${encodeURIComponent(clientId)}`
  return {
    async claim(clientId, owner, keep) {
      const data = await client.evalBuffer(CLAIM, 1, keyOf(clientId), owner, keep ? '1' : '0')
      return Buffer.isBuffer(data) ? data : undefined
    },
    async write(clientId, owner, record) {
      await client.evalBuffer(WRITE, 1, keyOf(clientId), owner, Buffer.from(record))
    },
    async remove(clientId, owner) {
      await client.evalBuffer(REMOVE, 1, keyOf(clientId), owner)
    },
    owns: async (clientId, owner) => (await client.hget(keyOf(clientId), 'owner')) === owner,
  }
}

const GROUPS = 'share-groups'
const CLAIM_MS = 60_000
/** KEYS: members of a group by the time until which they count. ARGV: member, or '' for none; now. Returns how many are left. */
const LEAVE =
  "redis.call('ZREM', KEYS[1], ARGV[1]) redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2]) return redis.call('ZCARD', KEYS[1])"

/** Members by the time until which they count, in one sorted set a group; claims as keys that end by themselves. */
function redisGroups(client: RecordClient, now: () => number = Date.now): GroupStore {
  const membersOf = (group: string) => `share:${encodeURIComponent(group)}`
  const claimOf = (group: string, message: string) => `share-claim:${encodeURIComponent(group)}:${message}`
  const remove = async (group: string, member: string) => {
    const left = await client.evalBuffer(LEAVE, 1, membersOf(group), member, String(now()))
    // One caller is told that it was the last.
    return left === 0 && (await client.srem(GROUPS, group)) === 1
  }
  return {
    async add(group, member, until) {
      // In this order: a group without members counts as abandoned.
      await client.zadd(membersOf(group), Number.isFinite(until) ? String(until) : '+inf', member)
      await client.sadd(GROUPS, group)
    },
    remove,
    async abandoned() {
      const groups: string[] = []
      for (const group of await client.smembers(GROUPS)) if (await remove(group, '')) groups.push(group)
      return groups
    },
    claim: async (group, message) => (await client.set(claimOf(group, message), '1', 'PX', CLAIM_MS, 'NX')) !== null,
    async renew(group, message) {
      await client.set(claimOf(group, message), '1', 'PX', CLAIM_MS)
    },
    async release(group, message) {
      await client.del(claimOf(group, message))
    },
  }
}
