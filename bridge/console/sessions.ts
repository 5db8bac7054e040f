/**
 * Sessions of the console. A browser holds a random id; the store holds, for all nodes, a hash of it with the SHA-256
 * of the presented provider key. Neither has the key, and a session ends with its key, wherever that is revoked.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Auth, ShownKey } from '../../auth/contract.ts'
import { byProvider, type Audit } from '../../common/audit.ts'
import type { RateByKey } from '../../common/rates.ts'
import { PushError } from '../../errors.ts'
import type { Store, TableRow } from '../../store/contract.ts'
import type { Provider } from '../../topics/index.ts'
import type { HttpLimits } from '../limits.ts'
import { isAvailable, type ConsoleMode } from './availability.ts'
import { sessionOf } from './cookie.ts'

const TABLE = 'console'
/** The end of a session moves in steps, so that few requests write it, ms. */
const STEP_MS = 30_000

/**
 * Every request of the console has it: no form and no page of another origin can send it. `background`: nobody did anything,
 * and the session does not live longer for it.
 */
export const CONSOLE_HEADER = 'x-push-console'

type Head = Pick<IncomingMessage, 'headers' | 'socket' | 'method'>

interface SessionsOptions {
  readonly mode: ConsoleMode
  readonly auth: Pick<Auth, 'provider' | 'newProvider' | 'providerShown'>
  readonly store: Pick<Store, 'readRow' | 'readRows' | 'writeRow'>
  readonly limits: Pick<HttpLimits, 'consoleIdleMs' | 'consoleSessionMs' | 'consoleSessions'>
  /** Attempts to sign in. */
  readonly rate: Pick<RateByKey, 'take'>
  readonly addressOf: (request: Head) => string
  readonly audit: Audit
  readonly now: () => number
}

export interface Session {
  readonly provider: Provider
  /** Milliseconds since the epoch, where nobody uses it. */
  readonly expiresAt: number
}

interface Kept extends ShownKey {
  readonly startedAt: number
}

interface Known {
  readonly row: TableRow
  readonly kept: Kept
  readonly provider: Provider
}

export class ConsoleSessions {
  readonly #options: SessionsOptions

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** @throws NOT_FOUND as if there was no console; ORIGIN_FORBIDDEN */
  check(request: Head): void {
    if (!isAvailable(this.#options.mode, request)) throw new PushError('NOT_FOUND')
    if (request.method !== 'GET' && request.method !== 'HEAD') checkOrigin(request)
  }

  /** @throws RATE_LIMITED, CREDENTIALS_INVALID, STORE_UNAVAILABLE, and as `check` */
  async start(request: Head, key: string): Promise<Session & { readonly id: string }> {
    const { auth, store, limits, rate, addressOf, audit, now } = this.#options
    this.check(request)
    if (!rate.take(addressOf(request))) throw new PushError('RATE_LIMITED', 'too many attempts to sign in')
    const bytes = Buffer.from(key, 'utf8')
    const provider = auth.provider(bytes) ?? (await auth.newProvider(bytes))
    if (provider === undefined) throw new PushError('CREDENTIALS_INVALID')
    await this.#makeRoom()
    const id = randomBytes(32).toString('base64url')
    const digest = createHash('sha256').update(bytes).digest()
    const kept: Kept = { digest, keyId: provider.keyId, startedAt: now() }
    const expiresAt = Math.min(
      now() + limits.consoleIdleMs,
      now() + limits.consoleSessionMs,
      provider.endsAt ?? Infinity,
    )
    await store.writeRow({ table: TABLE, key: rowKey(id), value: encode(kept), expiresAt })
    audit({ action: 'console.signed-in', by: byProvider(provider) })
    return { id, provider, expiresAt }
  }

  /**
   * Undefined: the request is none of the console.
   * @throws SESSION_ENDED, ORIGIN_FORBIDDEN, STORE_UNAVAILABLE
   */
  async find(request: Head): Promise<Session | undefined> {
    const { mode } = this.#options
    const id = sessionOf(request)
    if (id === undefined || request.headers[CONSOLE_HEADER] === undefined) return undefined
    if (!isAvailable(mode, request)) return undefined
    if (request.method !== 'GET' && request.method !== 'HEAD') checkOrigin(request)
    const { row, kept, provider } = await this.#known(id)
    const isUsed = request.headers[CONSOLE_HEADER] !== 'background'
    return { provider, expiresAt: isUsed ? await this.#prolong(row, kept, provider) : row.expiresAt }
  }

  /** Of a request that goes on: whether its session does. @throws SESSION_ENDED, STORE_UNAVAILABLE */
  async look(request: Head): Promise<void> {
    await this.#known(sessionOf(request) ?? '')
  }

  /** @throws SESSION_ENDED, STORE_UNAVAILABLE */
  async #known(id: string): Promise<Known> {
    const { auth, store, now } = this.#options
    const row = await store.readRow(TABLE, rowKey(id))
    if (row === undefined || row.expiresAt <= now()) throw new PushError('SESSION_ENDED')
    const kept = decode(row.value)
    const provider = kept && auth.providerShown(kept)
    if (kept !== undefined && provider !== undefined) return { row, kept, provider }
    await this.#remove(row)
    throw new PushError('SESSION_ENDED')
  }

  /** Idempotent. @throws STORE_UNAVAILABLE, and as `check` */
  async end(request: Head): Promise<void> {
    const { auth, store, audit } = this.#options
    this.check(request)
    const id = sessionOf(request)
    const row = id === undefined ? undefined : await store.readRow(TABLE, rowKey(id))
    if (row === undefined) return
    const kept = decode(row.value)
    const provider = kept && auth.providerShown(kept)
    await this.#remove(row)
    if (provider !== undefined) audit({ action: 'console.signed-out', by: byProvider(provider) })
  }

  /** One that was ended meanwhile stays so: the version of the row says. */
  async #prolong({ key, version, value, expiresAt }: TableRow, kept: Kept, provider: Provider): Promise<number> {
    const { store, limits, now } = this.#options
    const last = Math.min(kept.startedAt + limits.consoleSessionMs, provider.endsAt ?? Infinity)
    const until = Math.min(now() + limits.consoleIdleMs, last)
    if (until - expiresAt < Math.min(STEP_MS, limits.consoleIdleMs / 4)) return expiresAt
    await store.writeRow({ table: TABLE, key, value, expiresAt: until, expected: version })
    return until
  }

  async #remove({ key }: TableRow): Promise<void> {
    await this.#options.store.writeRow({ table: TABLE, key, isUrgent: true })
  }

  async #makeRoom(): Promise<void> {
    const { store, limits } = this.#options
    const rows = await store.readRows(TABLE, '', limits.consoleSessions)
    if (rows.length < limits.consoleSessions) return
    const [first] = rows.toSorted((a, b) => a.expiresAt - b.expiresAt)
    if (first !== undefined) await this.#remove(first)
  }
}

/** The page that makes the request is one of this server. Browsers say which it is; who says nothing is not let through. */
function checkOrigin({ headers: { origin, host, 'sec-fetch-site': site } }: Head): void {
  const authority = /^https?:\/\/([^/?#@]+)$/i.exec(origin ?? '')?.[1]?.toLowerCase()
  const isOwn = authority !== undefined && authority === host?.toLowerCase()
  if (!isOwn || (site !== undefined && site !== 'same-origin')) throw new PushError('ORIGIN_FORBIDDEN')
}

function rowKey(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}

function encode({ digest, keyId, startedAt }: Kept): Uint8Array {
  return Buffer.from(JSON.stringify({ digest: Buffer.from(digest).toString('base64url'), keyId, startedAt }))
}

/** Undefined: damaged, or of a version that is not known here. */
function decode(bytes: Uint8Array): Kept | undefined {
  const row = parse(bytes)
  if (typeof row !== 'object' || row === null || !('digest' in row) || !('startedAt' in row)) return undefined
  const { digest, startedAt } = row
  if (typeof digest !== 'string' || typeof startedAt !== 'number') return undefined
  const keyId = 'keyId' in row && typeof row.keyId === 'string' ? row.keyId : undefined
  return { digest: Buffer.from(digest, 'base64url'), keyId, startedAt }
}

function parse({ buffer, byteOffset, byteLength }: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString('utf8'))
  } catch {
    return undefined
  }
}
