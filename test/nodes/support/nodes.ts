/** Several servers on one Redis: what every test here starts with. */
import {
  connectDevice,
  type ConnectOptions,
  type Device,
  type Issued,
  issueToken,
  type MqttTarget,
  type ApiTarget,
  type Redis,
  type RedisOptions,
  type Scope,
  type Server,
  type ServerProcess,
  startRedis,
  startServer,
  startServerProcess,
  type TokenRequest,
} from '../../support/index.ts'

export interface TwoNodes<S extends Server = Server> {
  readonly redis: Redis
  readonly a: S
  readonly b: S
}

/** Servers that know nothing of each other but the URL of Redis; started at the same time. */
export function startNodes(
  t: Scope,
  url: string,
  count: number,
  settings: Record<string, string> = {},
): Promise<Server[]> {
  const starting = Array.from({ length: count }, () => startNode(t, url, settings))
  return Promise.all(starting)
}

export function startNode(t: Scope, url: string, settings: Record<string, string> = {}): Promise<Server> {
  return startServer(t, { settings: { PUSH_LOG_LEVEL: 'warn', PUSH_REDIS_URL: url, ...settings } })
}

/** For tests that kill nodes, or measure them. */
export function startNodeProcess(t: Scope, url: string, settings: Record<string, string> = {}): Promise<ServerProcess> {
  return startServerProcess(t, { settings: { PUSH_LOG_LEVEL: 'warn', PUSH_REDIS_URL: url, ...settings } })
}

export function startNodeProcesses(
  t: Scope,
  url: string,
  count: number,
  settings: Record<string, string> = {},
): Promise<ServerProcess[]> {
  const starting = Array.from({ length: count }, () => startNodeProcess(t, url, settings))
  return Promise.all(starting)
}

export async function twoNodes(
  t: Scope,
  settings: Record<string, string> = {},
  options: RedisOptions = {},
): Promise<TwoNodes> {
  const redis = await startRedis(t, options)
  const [a, b] = await Promise.all([startNode(t, redis.url, settings), startNode(t, redis.url, settings)])
  return { redis, a, b }
}

export async function twoNodeProcesses(
  t: Scope,
  settings: Record<string, string> = {},
  options: RedisOptions = {},
): Promise<TwoNodes<ServerProcess>> {
  const redis = await startRedis(t, options)
  const [a, b] = await Promise.all([startNodeProcess(t, redis.url, settings), startNodeProcess(t, redis.url, settings)])
  return { redis, a, b }
}

export interface Member {
  readonly issued: Issued
  readonly device: Device
}

/** A device that has a token from one node, is connected to another, and subscribed to all that is its own. */
export async function join(
  t: Scope,
  issuer: ApiTarget,
  node: MqttTarget,
  names: TokenRequest,
  options: ConnectOptions = {},
): Promise<Member> {
  const issued = await issueToken(issuer, names)
  return { issued, device: await connectAll(t, node, issued, options) }
}

/** Connects, and subscribes to the private and the broadcast topic. */
export async function connectAll(
  t: Scope,
  node: MqttTarget,
  issued: Issued,
  options: ConnectOptions = {},
): Promise<Device> {
  const device = await connectDevice(t, node, issued, options)
  const { private: own, broadcast } = issued.topics
  await device.subscribe(broadcast === undefined ? [own] : [own, broadcast])
  return device
}

/** A session that outlives its connection. */
export const KEPT: ConnectOptions = { clean: false, properties: { sessionExpiryInterval: 3600 } }
