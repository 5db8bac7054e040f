/** Plain connections to the same Redis, for MQTT state that other packages keep there. */
import type { ConnectionOptions } from 'node:tls'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { parseAddress } from './address.ts'

export interface StateConnection {
  readonly client: Redis | Cluster
  readonly isCluster: boolean
}

export interface StateConnectionOptions {
  /** See `address.ts` for the forms. */
  readonly url: string
  /** Before every key. */
  readonly keyPrefix: string
  readonly tls?: ConnectionOptions | undefined
}

const COMMAND_TIMEOUT_MS = 5_000
const SLOWEST_RETRY_MS = 1_000

/** Connects when it is first used, and again whenever the connection is lost. A command fails after five seconds. */
export function openStateConnection({ url, keyPrefix, tls }: StateConnectionOptions): StateConnection {
  const address = parseAddress(url)
  const retry = (times: number) => Math.min(50 * times, SLOWEST_RETRY_MS)
  const options: RedisOptions = {
    keyPrefix,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectionName: 'aedes-push-state',
    db: address.database,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: tls ?? {} } : {}),
  }
  if (address.kind === 'cluster') {
    const client = new Cluster([...address.hosts], {
      keyPrefix,
      redisOptions: options,
      clusterRetryStrategy: retry,
      dnsLookup: (host, callback) => callback(null, host),
    })
    return { client: quiet(client), isCluster: true }
  }
  if (address.kind === 'sentinel') {
    const client = new Redis({
      ...options,
      retryStrategy: retry,
      sentinels: [...address.hosts],
      name: address.master ?? '',
      sentinelRetryStrategy: retry,
      ...(address.sentinelUsername === undefined ? {} : { sentinelUsername: address.sentinelUsername }),
      ...(address.sentinelPassword === undefined ? {} : { sentinelPassword: address.sentinelPassword }),
      ...(address.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tls ?? {} } : {}),
    })
    return { client: quiet(client), isCluster: false }
  }
  const [host] = address.hosts
  return { client: quiet(new Redis({ ...options, ...host, retryStrategy: retry })), isCluster: false }
}

/**
 * Failures reach the callers of commands; without a listener ioredis prints them too. And not every caller listens:
 * aedes-persistence-redis does not await all of its commands, and ioredis not its SUBSCRIBE after a reconnect. When
 * such a command fails, the rejection that nobody handles would end the process.
 */
function quiet<C extends Redis | Cluster>(client: C): C {
  client.on('error', () => undefined)
  const sending: Pick<Redis, 'sendCommand'> = client
  const sendCommand = sending.sendCommand.bind(client)
  sending.sendCommand = (command, stream) => {
    command.promise.catch(() => undefined)
    return sendCommand(command, stream)
  }
  return client
}
