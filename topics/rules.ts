/** Access rules of push topics. Everything that is not allowed here is refused. */
import { isAppName } from './names.ts'
import { parseTopic, upstreamPrefix, type PushTopic } from './topics.ts'

/** A device, known by its message token. */
export interface Device {
  readonly kind: 'device'
  readonly app: string
  readonly device: string
  /** May be empty: not logged in. */
  readonly account: string
  readonly version?: string
  readonly tokenId: string
  /** Id of the key that signed its JWT. */
  readonly kid: string
  /** See `accountMark`; '' for no account. */
  readonly accountMark: string
  /** Generation of the token id when the JWT was issued; a lower one than the current is revoked. */
  readonly generation: number
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** Milliseconds since the epoch: until then the device renews its token itself. */
  readonly renewUntil: number
  /** Epochs of the app and of the account, when the JWT was issued; a higher one has revoked it since. 0: none was known. */
  readonly epochs: Epochs
}

/** Bulk revocations of an app and of an account: whole numbers that only grow. */
export type Epochs = readonly [app: number, account: number]

/** Scopes of a provider key. */
export const SCOPES = [
  'messages:send',
  'messages:read',
  'tokens:issue',
  'tokens:read',
  'tokens:revoke',
  'events:read',
  'webhooks:write',
  'keys:admin',
  'server:read',
] as const
export type Scope = (typeof SCOPES)[number]

/** A number of receivers in a window of seconds. */
export interface Quota {
  readonly count: number
  readonly seconds: number
}

/** Quotas of a provider key. */
export interface Quotas {
  /** Receivers of messages, where a broadcast counts as one; all quotas apply. */
  readonly receivers: readonly Quota[]
}

/** A back end that sends messages, known by a provider key. */
export interface Provider {
  readonly kind: 'provider'
  readonly name: string
  readonly apps: 'all' | ReadonlySet<string>
  readonly scopes: ReadonlySet<Scope>
  /** Key id of a key that is kept in the store; absent: one of the configuration. */
  readonly keyId?: string
  /** When the presented key expires, milliseconds since the epoch; absent: never. */
  readonly endsAt?: number
  /** Absent: none. */
  readonly quotas?: Quotas
}

type DeviceSubscription = Extract<PushTopic, { kind: 'private' | 'broadcast' }>

export function mayActFor(provider: Provider, app: string): boolean {
  return provider.apps === 'all' || provider.apps.has(app)
}

export const ALL_SCOPES: ReadonlySet<Scope> = new Set(SCOPES)

export function mayUse(provider: Provider, scope: Scope): boolean {
  return provider.scopes.has(scope)
}

/** A provider with this scope also has the implied one. */
export function isWithin(inner: Pick<Provider, 'apps' | 'scopes'>, outer: Pick<Provider, 'apps' | 'scopes'>): boolean {
  const { apps } = outer
  const hasApps = apps === 'all' || (inner.apps !== 'all' && [...inner.apps].every((app) => apps.has(app)))
  return hasApps && [...inner.scopes].every((scope) => outer.scopes.has(scope))
}

/** A device subscribes to exactly its private topic and the broadcast topics of its app; undefined: refused. */
export function deviceSubscription(device: Device, filter: string): DeviceSubscription | undefined {
  const topic = parseTopic(filter)
  if (topic === undefined || topic.kind === 'upstream' || topic.app !== device.app) return undefined
  return topic.kind === 'broadcast' || topic.tokenId === device.tokenId ? topic : undefined
}

/** A device publishes only upstream, below `<app>/u/<token id>/`. */
export function mayDevicePublish(device: Device, topic: string): boolean {
  const prefix = upstreamPrefix(device.app, device.tokenId)
  return topic.startsWith(prefix) && topic.length > prefix.length && !/[+#\u0000]/.test(topic)
}

/** A provider publishes to the private and broadcast topics of its apps; undefined: refused. */
export function providerDestination(provider: Provider, topic: string): DeviceSubscription | undefined {
  const parsed = parseTopic(topic)
  if (parsed === undefined || parsed.kind === 'upstream') return undefined
  return mayActFor(provider, parsed.app) ? parsed : undefined
}

/** A provider subscribes to `<app>/u/#` of its apps, or to less below `<app>/u/`. */
export function mayProviderSubscribe(provider: Provider, filter: string): boolean {
  const [app = '', marker, ...rest] = filter.split('/')
  return marker === 'u' && rest.length > 0 && isAppName(app) && mayActFor(provider, app)
}
