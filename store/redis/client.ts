/**
 * The only place that creates connections to Redis, for every purpose: by address and credentials, to one server,
 * through Sentinels or to a Cluster. It closes connections that hang, replaces those that are lost, and follows the new
 * master after a failover.
 */
import type { ConnectionOptions } from 'node:tls'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { Address } from './address.ts'

export interface ConnectionSettings {
  readonly address: Address
  /** A connection that is not made in this time, or is silent for as long while an answer is due, is given up. */
  readonly deadlineMs: number
  readonly tls?: ConnectionOptions | undefined
}

const FASTEST_RETRY_MS = 50
const SLOWEST_RETRY_MS = 1_000

const retry = (times: number) => Math.min(FASTEST_RETRY_MS * times, SLOWEST_RETRY_MS)

/** @param own what this use of Redis needs besides; it wins */
export function buildClient(settings: ConnectionSettings, own: RedisOptions = {}): Redis | Cluster {
  return settings.address.kind === 'cluster' ? buildCluster(settings, own) : buildRedis(settings, own)
}

/** One connection, in a Cluster to the node that `own` names. */
export function buildRedis(settings: ConnectionSettings, own: RedisOptions = {}): Redis {
  const { address, tls } = settings
  const options = { ...optionsOf(settings), retryStrategy: retry }
  if (address.kind !== 'sentinel') return quiet(new Redis({ ...options, ...address.hosts[0], ...own }))
  return quiet(
    new Redis({
      ...options,
      sentinels: [...address.hosts],
      name: address.master ?? '',
      sentinelRetryStrategy: retry,
      ...(address.sentinelUsername === undefined ? {} : { sentinelUsername: address.sentinelUsername }),
      ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
      ...(address.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tls ?? {} } : {}),
      ...own,
    }),
  )
}

function buildCluster(settings: ConnectionSettings, own: RedisOptions): Cluster {
  const { lazyConnect = false, enableOfflineQueue = true, keyPrefix = '', ...options } = own
  return quiet(
    new Cluster([...settings.address.hosts], {
      lazyConnect,
      enableOfflineQueue,
      keyPrefix,
      redisOptions: { ...optionsOf(settings), ...options },
      slotsRefreshTimeout: settings.deadlineMs,
      clusterRetryStrategy: retry,
      // Names stay names, so that TLS can check them.
      dnsLookup: (host, callback) => callback(null, host),
    }),
  )
}

function optionsOf({ address, deadlineMs, tls }: ConnectionSettings): RedisOptions {
  return {
    connectTimeout: deadlineMs,
    socketTimeout: deadlineMs,
    keepAlive: 10_000,
    disableClientInfo: true,
    connectionName: 'aedes-push',
    db: address.database,
    // A master that became a replica: the name or the Sentinels may lead to the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: tls ?? {} } : {}),
  }
}

/** Every failure reaches the caller of a command; without a listener ioredis prints them. */
function quiet<C extends Redis | Cluster>(client: C): C {
  client.on('error', () => undefined)
  return client
}
