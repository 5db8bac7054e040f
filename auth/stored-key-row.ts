/**
 * A provider key as the store keeps it: with a SHA-256 of the key, which suffices for a secret that nobody can guess, and
 * never with the key.
 */
import { SCOPES, type Provider, type Quota, type Quotas, type Scope } from '../topics/index.ts'
import { isRecord } from './fields.ts'

export interface StoredKey {
  readonly id: string
  /** Name of the provider. Keys of one name are one provider's. */
  readonly name: string
  readonly apps: Provider['apps']
  readonly scopes: ReadonlySet<Scope>
  readonly digest: Uint8Array
  /** What was the key before it was rotated. */
  readonly previous?: PreviousKey
  /** Milliseconds since the epoch; `Infinity` for never. */
  readonly expiresAt: number
  readonly quotas?: Quotas
  /** An MQTT connection as this user, with its password, acts as this provider too. */
  readonly user?: string
  readonly createdAt: number
  /** The name of a provider, and the id of its key where it has one. */
  readonly createdBy: string
  readonly rotatedAt?: number
}

export interface PreviousKey {
  readonly digest: Uint8Array
  /** Milliseconds since the epoch: from then on it is refused. */
  readonly until: number
}

const VERSION = 1

interface Row {
  readonly name: string
  /** Absent: all. */
  readonly apps?: readonly string[]
  readonly scopes: readonly string[]
  readonly digest: string
  readonly previous?: { readonly digest: string; readonly until: number }
  /** Absent: never. */
  readonly expiresAt?: number
  readonly quotas?: Quotas
  readonly user?: string
  readonly createdAt: number
  readonly createdBy: string
  readonly rotatedAt?: number
}

/** The version (1), and JSON. */
export function encodeStoredKey(key: StoredKey): Uint8Array {
  const { name, apps, scopes, digest, previous, expiresAt, quotas, user, createdAt, createdBy, rotatedAt } = key
  const row: Row = {
    name,
    ...(apps === 'all' ? {} : { apps: [...apps] }),
    scopes: [...scopes],
    digest: toText(digest),
    ...(previous === undefined ? {} : { previous: { digest: toText(previous.digest), until: previous.until } }),
    ...(expiresAt === Number.POSITIVE_INFINITY ? {} : { expiresAt }),
    ...(quotas === undefined ? {} : { quotas }),
    ...(user === undefined ? {} : { user }),
    createdAt,
    createdBy,
    ...(rotatedAt === undefined ? {} : { rotatedAt }),
  }
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(JSON.stringify(row))])
}

/**
 * The inverse; undefined for a row that this version cannot read, which counts as no key. Unknown scopes are ignored.
 */
export function decodeStoredKey(id: string, bytes: Uint8Array): StoredKey | undefined {
  const row = bytes[0] === VERSION ? parse(bytes.subarray(1)) : undefined
  if (row === undefined) return undefined
  const { name, apps, scopes, digest, previous, expiresAt = Number.POSITIVE_INFINITY, quotas } = row
  return {
    id,
    name,
    apps: apps === undefined ? 'all' : new Set(apps),
    scopes: new Set(SCOPES.filter((scope) => scopes.includes(scope))),
    digest: fromText(digest),
    ...(previous === undefined ? {} : { previous: { digest: fromText(previous.digest), until: previous.until } }),
    expiresAt,
    ...(quotas === undefined ? {} : { quotas }),
    ...(row.user === undefined ? {} : { user: row.user }),
    createdAt: row.createdAt,
    createdBy: row.createdBy,
    ...(row.rotatedAt === undefined ? {} : { rotatedAt: row.rotatedAt }),
  }
}

function parse(bytes: Uint8Array): Row | undefined {
  try {
    const row: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return isRow(row) ? row : undefined
  } catch {
    // Damaged; the caller reports it.
    return undefined
  }
}

/** A field that decides is never taken for one that was left out. */
function isRow(value: unknown): value is Row {
  if (!isRecord(value)) return false
  const { name, apps, scopes, digest, previous, expiresAt, quotas, user, createdAt, createdBy, rotatedAt } = value
  return (
    typeof name === 'string' &&
    (apps === undefined || isTexts(apps)) &&
    isTexts(scopes) &&
    isDigest(digest) &&
    (previous === undefined || (isRecord(previous) && isDigest(previous['digest']) && isTime(previous['until']))) &&
    (expiresAt === undefined || isTime(expiresAt)) &&
    (quotas === undefined || isQuotas(quotas)) &&
    (user === undefined || typeof user === 'string') &&
    isTime(createdAt) &&
    typeof createdBy === 'string' &&
    (rotatedAt === undefined || isTime(rotatedAt))
  )
}

function isQuotas(value: unknown): value is Quotas {
  return isRecord(value) && Array.isArray(value['receivers']) && value['receivers'].every(isQuota)
}

function isQuota(value: unknown): value is Quota {
  return isRecord(value) && isTime(value['count']) && isTime(value['seconds'])
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && fromText(value).byteLength === DIGEST_BYTES
}

const DIGEST_BYTES = 32
const toText = (digest: Uint8Array): string => Buffer.from(digest).toString('base64url')
const fromText = (text: string): Buffer => Buffer.from(text, 'base64url')
