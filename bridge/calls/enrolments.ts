/**
 * Enrolment codes: a provider creates one for an account and hands it to a device in its own way (a QR code, an
 * e-mail); the device gets its first token with it. The target of a code is encrypted with the code itself, which is
 * stored only as a hash.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { Audit } from '../../common/audit.ts'
import { PushError } from '../../errors.ts'
import type { TableRow, TableStore } from '../../store/contract.ts'
import type { Revocations } from '../../store/revocations.ts'
import { isAppName, isName, mayActFor, parseTags, type Epochs, type Provider } from '../../topics/index.ts'
import { tagsSchema } from '../schemas.ts'
import { nameOfProvider } from './call.ts'

export const CODES_TABLE = 'codes'

/** A value that `enrolmentSchema` takes. */
export interface EnrolmentBody {
  readonly app: string
  readonly account?: string
  readonly device?: string
  readonly tags?: readonly string[]
  readonly ttl?: number
  readonly takeOver?: boolean
}

export interface EnrolmentAnswer {
  readonly id: string
  /** The code; shown only here. */
  readonly code: string
  readonly expiresAt: string
}

/** Without names, which the store has only encrypted. */
export interface ListedEnrolment {
  readonly id: string
  readonly app: string
  readonly takeOver: boolean
  readonly createdBy: string
  readonly createdAt: string
  readonly expiresAt: string
  readonly usedAt: string | null
}

export interface UsedEnrolment {
  readonly id: string
  readonly account: string
  readonly device: string
  readonly tags: readonly string[] | undefined
  readonly takeOver: boolean
  /** Epochs at its creation: it cannot bring back what was revoked since. */
  readonly epochs: Epochs
}

interface EnrolmentsContext {
  readonly store: TableStore
  readonly revocations: Pick<Revocations, 'fresh' | 'refresh' | 'epochsOf'>
  readonly accountMarkOf: (app: string, account: string) => string
  readonly audit: Audit
  readonly now: () => number
}

/** What anybody who can read the store may know. */
interface Row {
  readonly app: string
  readonly takeOver: boolean
  readonly createdBy: string
  readonly createdAt: number
  readonly usedAt?: number
  readonly sealed: string
}

/** What only the code can decrypt. */
interface Sealed {
  readonly account: string
  readonly device?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly epochs: Epochs
}

const FORMAT = 1
const CODE_BYTES = 16
const CODE = /^enrol_[A-Za-z0-9_-]{22}$/
const PREFIX = 'enrol_'
const ID = /^[A-Za-z0-9_-]{43}$/
const IV_BYTES = 12
const TAG_BYTES = 16
const DEFAULT_TTL = 600
const LONGEST_TTL = 86_400
/** A response may get lost, so the device may repeat its request for this time, ms. */
const REPEAT_MS = 600_000
/** Of two requests at once; each loses to another one that got through. */
const ATTEMPTS = 100
/** Rows that are checked for one page of a list. */
const LOOKED_AT = 1_000

export const enrolmentSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['app'],
  properties: {
    app: { type: 'string', examples: ['chat'] },
    account: { type: 'string', description: 'Absent or empty: not logged in', examples: ['ann'] },
    device: {
      type: 'string',
      description: 'The only device that may use the code; absent: the first one that uses it',
    },
    tags: tagsSchema('Tags of the device that uses it'),
    ttl: {
      type: 'integer',
      minimum: 1,
      maximum: LONGEST_TTL,
      default: DEFAULT_TTL,
      description: 'Lifetime of the code, seconds',
    },
    takeOver: {
      type: 'boolean',
      default: false,
      description: 'Works even if another account is logged in to the app on the device',
    },
  },
}

export function looksLikeCode(credential: string): boolean {
  return credential.startsWith(PREFIX)
}

export class Enrolments {
  readonly #context: EnrolmentsContext

  constructor(context: EnrolmentsContext) {
    this.#context = context
  }

  /** @throws NAME_INVALID, TAGS_INVALID, APP_FORBIDDEN, STORE_UNAVAILABLE */
  async create(body: EnrolmentBody, provider: Provider): Promise<EnrolmentAnswer> {
    const { app, account = '', device, ttl = DEFAULT_TTL, takeOver = false } = body
    const { revocations, store, audit, now, accountMarkOf } = this.#context
    if (!isAppName(app)) throw new PushError('NAME_INVALID', '`app`; an app has no `%` either')
    if (account !== '' && !isName(account)) throw new PushError('NAME_INVALID', '`account`')
    if (device !== undefined && !isName(device)) throw new PushError('NAME_INVALID', '`device`')
    if (!mayActFor(provider, app)) throw new PushError('APP_FORBIDDEN')
    const tags = body.tags === undefined ? undefined : parseTags(body.tags)
    if (body.tags !== undefined && tags === undefined) throw new PushError('TAGS_INVALID', '`tags`')
    await revocations.refresh()
    const epochs = revocations.epochsOf(app, accountMarkOf(app, account))
    const code = `${PREFIX}${randomBytes(CODE_BYTES).toString('base64url')}`
    const sealed = seal(code, { account, device, tags, epochs })
    const createdAt = now()
    const expiresAt = createdAt + ttl * 1000
    const row: Row = { app, takeOver, createdBy: nameOfProvider(provider), createdAt, sealed }
    const id = idOf(code)
    await store.writeRow({ table: CODES_TABLE, key: id, value: encodeRow(row), expiresAt, expected: 0 })
    audit({ action: 'enrolment.created', by: row.createdBy, app, id })
    return { id, code, expiresAt: new Date(expiresAt).toISOString() }
  }

  /**
   * Binds the code to its device at the first use. That device may use it again for ten minutes.
   * @param made a generated name for a device without one
   * @throws CODE_INVALID, ACCOUNT_FORBIDDEN, APP_FORBIDDEN, STORE_UNAVAILABLE
   */
  async use(
    code: string,
    wanted: { readonly app: string; readonly account?: string; readonly device?: string },
    made: string,
  ): Promise<UsedEnrolment> {
    if (!CODE.test(code)) throw new PushError('CODE_INVALID')
    const id = idOf(code)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await this.#context.store.readRow(CODES_TABLE, id)
      if (found === undefined) throw new PushError('CODE_INVALID')
      const row = decodeRow(found)
      const content = row && open(code, row.sealed)
      if (row === undefined || content === undefined)
        throw new PushError('CODE_INVALID', 'the code was created by another version')
      await this.#check(row, content, wanted)
      const device = content.device ?? wanted.device ?? made
      const { account, tags, epochs } = content
      const used = { id, account, device, tags, epochs, takeOver: row.takeOver }
      if (row.usedAt !== undefined) return used
      if (await this.#bind(found, row, seal(code, { ...content, device }))) return used
    }
    throw new PushError('STORE_UNAVAILABLE', 'too many requests use the same code at once')
  }

  async #check(row: Row, content: Sealed, wanted: Parameters<Enrolments['use']>[1]): Promise<void> {
    const { revocations, accountMarkOf } = this.#context
    if (row.app !== wanted.app) throw new PushError('APP_FORBIDDEN', 'the code is for another app')
    if (wanted.account !== undefined && wanted.account !== content.account) throw new PushError('ACCOUNT_FORBIDDEN')
    await revocations.fresh()
    const epochs = revocations.epochsOf(row.app, accountMarkOf(row.app, content.account))
    if (content.epochs[0] < epochs[0] || content.epochs[1] < epochs[1])
      throw new PushError('CODE_INVALID', 'revoked with all tokens of its app or account')
    if (content.device === undefined) return
    // Who asks without a name has not been bound to it, or has been by the provider.
    const isSame = wanted.device === content.device || (wanted.device === undefined && row.usedAt === undefined)
    if (!isSame) throw new PushError('CODE_INVALID', 'the code is for another device')
  }

  async #bind({ key, version }: TableRow, row: Row, sealed: string): Promise<boolean> {
    const { store, now } = this.#context
    const value = encodeRow({ ...row, usedAt: now(), sealed })
    const written = { table: CODES_TABLE, key, value, expiresAt: now() + REPEAT_MS, expected: version }
    return (await store.writeRow(written)) !== undefined
  }

  /**
   * @param after the id behind which the page begins
   * @throws APP_FORBIDDEN, STORE_UNAVAILABLE
   */
  async list(
    { app, limit, after = '' }: { readonly app?: string | undefined; readonly limit: number; readonly after?: string },
    provider: Provider,
  ): Promise<{ enrolments: readonly ListedEnrolment[]; next: string | undefined }> {
    if (app !== undefined && !mayActFor(provider, app)) throw new PushError('APP_FORBIDDEN')
    const enrolments: ListedEnrolment[] = []
    let last = after
    for (let looked = 0; looked < LOOKED_AT; ) {
      const rows = await this.#context.store.readRows(CODES_TABLE, last, limit)
      for (const row of rows) {
        last = row.key
        looked++
        const listed = listedOf(row)
        if (listed !== undefined && mayActFor(provider, listed.app) && (app ?? listed.app) === listed.app)
          enrolments.push(listed)
        if (enrolments.length === limit) return { enrolments, next: last }
      }
      if (rows.length < limit) return { enrolments, next: undefined }
    }
    return { enrolments, next: last }
  }

  /** @throws CODE_UNKNOWN, STORE_UNAVAILABLE */
  async delete(id: string, provider: Provider): Promise<void> {
    const { store, audit } = this.#context
    const found = ID.test(id) ? await store.readRow(CODES_TABLE, id) : undefined
    const row = found && decodeRow(found)
    // For an app of others, do not even reveal that it exists.
    if (row === undefined || !mayActFor(provider, row.app)) throw new PushError('CODE_UNKNOWN')
    await store.writeRow({ table: CODES_TABLE, key: id })
    audit({ action: 'enrolment.deleted', by: nameOfProvider(provider), app: row.app, id })
  }
}

function listedOf(row: TableRow): ListedEnrolment | undefined {
  const decoded = decodeRow(row)
  if (decoded === undefined) return undefined
  const { app, takeOver, createdBy, createdAt, usedAt } = decoded
  return {
    id: row.key,
    app,
    takeOver,
    createdBy,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(row.expiresAt).toISOString(),
    usedAt: usedAt === undefined ? null : new Date(usedAt).toISOString(),
  }
}

function idOf(code: string): string {
  return createHash('sha256').update(code).digest('base64url')
}

function keyOf(code: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', code, '', 'aedes-push enrolment', 32))
}

function seal(code: string, content: Sealed): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', keyOf(code), iv)
  const bytes = [iv, cipher.update(JSON.stringify(content)), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat(bytes).toString('base64')
}

function open(code: string, sealed: string): Sealed | undefined {
  const bytes = Buffer.from(sealed, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(code), bytes.subarray(0, IV_BYTES))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
    return JSON.parse(text.toString()) as Sealed
  } catch {
    return undefined
  }
}

function encodeRow(row: Row): Uint8Array {
  return Buffer.concat([Buffer.of(FORMAT), Buffer.from(JSON.stringify(row))])
}

function decodeRow({ value }: TableRow): Row | undefined {
  if (value[0] !== FORMAT) return undefined
  try {
    return JSON.parse(Buffer.from(value.subarray(1)).toString()) as Row
  } catch {
    return undefined
  }
}
