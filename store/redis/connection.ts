/** Connections to Redis: one that carries the batches, and plain ones that listen. */
import { Cluster, type Redis, type RedisOptions } from 'ioredis'
import type { Address } from './address.ts'
import { buildClient, buildRedis, type ConnectionSettings } from './client.ts'
import { redisFault } from './fault.ts'
import { readScript, unavailable } from './script.ts'

interface BatchCommand {
  /** EVALSHA of the batch script, EVAL where a connection or server does not know it yet. */
  pushBatchBuffer(journal: string, absent: string, steps: Buffer, process: Buffer): Promise<Buffer>
}

export type Client = (Redis | Cluster) & BatchCommand

/**
 * Nothing is queued or resent in ioredis: a command fails at once when there is no connection, and with the connection.
 * The lanes above know what may be repeated, for how long, and how much may wait.
 */
const LANE: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  // 0: a lost connection fails what it carried now. Without it ioredis forgets those commands unanswered.
  maxRetriesPerRequest: 0,
}

export function createClient(settings: ConnectionSettings): Client {
  const client = buildClient(settings, LANE)
  client.defineCommand('pushBatch', { numberOfKeys: 2, lua: `${readScript()}\nreturn run(KEYS, ARGV)` })
  if (!hasBatchCommand(client)) throw new TypeError('ioredis did not define the command')
  return client
}

function hasBatchCommand(client: Redis | Cluster): client is Client {
  return 'pushBatchBuffer' in client
}

/**
 * A connection for SUBSCRIBE that does not reconnect by itself: what was published in between is lost, and its owner
 * has to know. In a Cluster it goes to one of the nodes, any of which hears everything.
 */
export function createSubscriber(settings: ConnectionSettings, client: Client, pick: (count: number) => number): Redis {
  const own: RedisOptions = { ...LANE, retryStrategy: () => null, connectionName: 'aedes-push-wakes' }
  if (!(client instanceof Cluster)) return buildRedis(settings, own)
  const address: Address = { ...settings.address, kind: 'server' }
  return buildRedis({ ...settings, address }, { ...own, ...nodeOf(client, pick) })
}

function nodeOf(cluster: Cluster, pick: (count: number) => number): RedisOptions {
  const nodes = cluster.nodes('all').filter((node) => node.status === 'ready')
  const node = nodes[pick(nodes.length)]
  if (node === undefined) throw unavailable('no node of the Cluster answers')
  const { host, port } = node.options
  return { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) }
}

/**
 * Resolves when the client can be used; gives up, and disconnects, at the deadline, or at once where waiting cannot help.
 */
export async function connectClient(client: Client, timeoutMs: number, settings?: ConnectionSettings): Promise<void> {
  const where = settings === undefined ? 'Redis' : whereIs(settings.address)
  let last: unknown
  let timer: NodeJS.Timeout | undefined
  let stopProbe: (() => void) | undefined
  let keepLast: (error: unknown) => void = () => undefined
  const failed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`${where} was not ready within ${timeoutMs} ms`, last)), timeoutMs)
    keepLast = (error) => {
      const fault = redisFault(error)
      if (fault?.kind === 'lasting') reject(unavailable(`${where} cannot be used`, error))
      if (last === undefined || fault?.kind === 'passing') last = error
      if (settings !== undefined && client.status !== 'ready') stopProbe ??= probe(settings, keepLast)
    }
  })
  client.on('error', keepLast)
  try {
    const ready = new Promise<void>((resolve) => void client.once('ready', resolve))
    client.connect().catch(keepLast)
    await Promise.race([ready, failed])
  } catch (error) {
    client.disconnect()
    throw error
  } finally {
    clearTimeout(timer)
    stopProbe?.()
    client.off('error', keepLast)
  }
}

/** ioredis does not tell why it cannot use a Cluster or a Sentinel: a connection of its own to the first one does. */
function probe(settings: ConnectionSettings, failed: (error: unknown) => void): () => void {
  const { address } = settings
  const [host] = address.hosts
  if (address.kind === 'server' || host === undefined) return () => undefined
  const { username, password, sentinelUsername, sentinelPassword, ...place } = address
  const [user, word] = address.kind === 'cluster' ? [username, password] : [sentinelUsername, sentinelPassword]
  const login = {
    ...(user === undefined ? {} : { username: user }),
    ...(word === undefined ? {} : { password: word }),
  }
  const server: Address = { ...place, ...login, kind: 'server', database: 0 }
  const connection = buildRedis({ ...settings, address: server }, { ...LANE, retryStrategy: () => null })
  connection.on('error', failed)
  connection.connect().then(
    () => connection.disconnect(),
    // The event tells more.
    () => undefined,
  )
  return () => connection.disconnect()
}

/** Rejects when the work shows that Redis refuses for good; any other failure passes, and is for the calls to come. */
export async function unlessRefused(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (redisFault(error)?.kind === 'lasting') throw unavailable('Redis cannot be used', error)
  }
}

/** For errors: without user and password. */
function whereIs({ kind, hosts, master }: Address): string {
  const names = hosts.map(({ host, port }) => `${host}:${port}`).join(', ')
  if (kind === 'sentinel') return `Redis (the master ${master} by the Sentinels at ${names})`
  return kind === 'cluster' ? `Redis (the Cluster at ${names})` : `Redis at ${names}`
}

/** The masters, or the one server. */
export function servers(client: Client): readonly Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client]
}
