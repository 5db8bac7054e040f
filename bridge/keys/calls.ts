/** Keys of providers: the calls behind `/v1/keys`. */
import { randomBytes } from 'node:crypto'
import { decodeStoredKey, encodeStoredKey, makeStoredKey, type Auth, type StoredKey } from '../../auth/index.ts'
import { byProvider, type Audit } from '../../common/audit.ts'
import type { Limits } from '../../common/limits.ts'
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import type { Provider } from '../../topics/index.ts'
import type { Caller } from '../calls/call.ts'
import { decodeKeyCursor, encodeKeyCursor, inOrder } from './cursor.ts'
import { answerOf, changedFields, fieldsOf, type KeyFields } from './fields.ts'
import { KEYS_TABLE, type KeyCopy } from './key-copy.ts'
import { asOfNow, checkEnd, checkName, checkRights, checkUser, endOf, maySee } from './rights.ts'
import {
  DEFAULT_KEYS,
  DEFAULT_OVERLAP,
  type KeyAnswer,
  type KeyChange,
  type KeyList,
  type KeyQuery,
  type KeyRequest,
  type KeyRotation,
  type MadeKeyAnswer,
} from './schemas.ts'

export interface KeysContext {
  readonly auth: Pick<Auth, 'providerNamed' | 'providerNow' | 'providerOfUser'>
  readonly store: Pick<Store, 'readRow' | 'writeRow'>
  readonly keys: KeyCopy
  readonly audit: Audit
  readonly limits: Pick<Limits, 'keys'>
  readonly now: () => number
}

type By = Pick<Caller, 'provider'>

/**
 * What a caller gives out, changes or sees is within its own apps and scopes. A key that it may not see is as if it was
 * not there. What is answered holds in this process at once, and everywhere within a second.
 * @throws STORE_UNAVAILABLE; CREDENTIALS_INVALID; KEY_UNKNOWN; APP_FORBIDDEN, SCOPE_MISSING; REQUEST_INVALID,
 * NAME_INVALID, NAME_TAKEN, KEYS_LIMIT, CURSOR_INVALID
 */
export interface KeyCalls {
  createKey(body: KeyRequest, caller: By): Promise<MadeKeyAnswer>
  listKeys(query: KeyQuery, caller: By): Promise<KeyList>
  findKey(id: string, caller: By): Promise<KeyAnswer>
  changeKey(id: string, change: KeyChange, caller: By): Promise<KeyAnswer>
  rotateKey(id: string, rotation: KeyRotation, caller: By): Promise<MadeKeyAnswer>
  deleteKey(id: string, caller: By): Promise<void>
}

/** Others may change a key at the same time; who does not come to it is told to try again. */
const TRIES = 10

/** No other text is looked for. */
const KEY_ID = /^[0-9A-Za-z]{12}$/

interface Found {
  readonly key: StoredKey
  readonly version: number
}

export function createKeyCalls(context: KeysContext): KeyCalls {
  const { keys, audit, limits, now } = context
  const rows = new KeyRows(context)

  return {
    async createKey(body, caller) {
      const provider = await asOfNow(caller.provider, context)
      const isEndless = body.expiresAt === undefined && body.expiresIn === undefined
      const asked = fieldsOf(body, now())
      const fields: KeyFields = isEndless ? { ...asked, expiresAt: endOf(provider) } : asked
      checkRights(provider, fields)
      checkEnd(fields, provider)
      if (keys.all().length >= limits.keys) throw new PushError('KEYS_LIMIT')
      const { id, key, digest } = makeStoredKey(randomBytes)
      checkName(provider, fields.name, id, context)
      if (fields.user !== undefined) checkUser(provider, fields.user, id, context)
      const made: StoredKey = { ...fields, id, digest, createdAt: now(), createdBy: byProvider(provider) }
      if (!(await rows.put(made, undefined, provider))) throw new Error('a key id was drawn twice')
      audit({ action: 'key.created', by: byProvider(provider), id })
      return { ...answerOf(made, now()), key }
    },

    async listKeys({ limit = DEFAULT_KEYS, cursor }, { provider }) {
      const after = cursor === undefined ? undefined : decodeKeyCursor(cursor)
      await keys.refresh()
      const seen = keys.all().filter((key) => maySee(provider, key))
      const rest = seen.filter((key) => after === undefined || inOrder(key, after) > 0).toSorted(inOrder)
      const page = rest.slice(0, limit)
      const last = page.at(-1)
      return {
        keys: page.map((key) => answerOf(key, now())),
        cursor: last === undefined || rest.length <= limit ? null : encodeKeyCursor(last),
      }
    },

    async findKey(id, { provider }) {
      return answerOf((await rows.find(id, provider)).key, now())
    },

    async changeKey(id, change, caller) {
      const provider = await asOfNow(caller.provider, context)
      const key = await rows.change(id, provider, async (found) => {
        checkRights(provider, found)
        const { quotas: _, user: before, ...rest } = found
        const changed = { ...rest, ...changedFields(found, change, now()) }
        checkRights(provider, changed)
        if (changed.user !== undefined && changed.user !== before) checkUser(provider, changed.user, id, context)
        if (change.expiresAt !== undefined || change.expiresIn !== undefined) checkEnd(changed, provider)
        if (change.name !== undefined) {
          await keys.refresh()
          checkName(provider, change.name, id, context)
        }
        return changed
      })
      audit({ action: 'key.changed', by: byProvider(provider), id })
      return answerOf(key, now())
    },

    async rotateKey(id, { overlap = DEFAULT_OVERLAP }, caller) {
      const provider = await asOfNow(caller.provider, context)
      const { key, digest } = makeStoredKey(randomBytes, id)
      const rotated = await rows.change(id, provider, (found) => {
        checkRights(provider, found)
        // It is told the secret of it.
        checkEnd(found, provider)
        const { previous: _, ...rest } = found
        const previous = { digest: found.digest, until: now() + overlap * 1000 }
        return { ...rest, digest, rotatedAt: now(), ...(overlap === 0 ? {} : { previous }) }
      })
      audit({ action: 'key.rotated', by: byProvider(provider), id })
      return { ...answerOf(rotated, now()), key }
    },

    async deleteKey(id, caller) {
      const provider = await asOfNow(caller.provider, context)
      await rows.remove(id, provider)
      audit({ action: 'key.deleted', by: byProvider(provider), id })
    },
  }
}

/** The rows of the table, each changed only from what was judged. */
class KeyRows {
  readonly #context: KeysContext

  constructor(context: KeysContext) {
    this.#context = context
  }

  /** @throws KEY_UNKNOWN, also where the provider may not see it */
  async find(id: string, provider: Provider): Promise<Found> {
    const row = KEY_ID.test(id) ? await this.#context.store.readRow(KEYS_TABLE, id) : undefined
    const key = row && decodeStoredKey(id, row.value)
    if (row === undefined || key === undefined || !maySee(provider, key)) throw new PushError('KEY_UNKNOWN')
    return { key, version: row.version }
  }

  async change(
    id: string,
    provider: Provider,
    make: (key: StoredKey) => StoredKey | Promise<StoredKey>,
  ): Promise<StoredKey> {
    return await this.#try(async () => {
      const found = await this.find(id, provider)
      const made = await make(found.key)
      return (await this.put(made, found, provider)) ? made : undefined
    })
  }

  async remove(id: string, provider: Provider): Promise<void> {
    await this.#try(async () => {
      const { version } = await this.find(id, provider)
      return (await this.#write(id, undefined, version)) === undefined ? undefined : true
    })
  }

  /**
   * False: somebody else has changed it.
   * @throws NAME_TAKEN: of two who take a name at the same time, each sees the other one, and both give it back
   */
  async put(key: StoredKey, before: Found | undefined, provider: Provider): Promise<boolean> {
    const { id, name } = key
    const version = await this.#write(id, key, before?.version ?? 0)
    if (version === undefined) return false
    if (name === before?.key.name) return true
    try {
      checkName(provider, name, id, this.#context)
      return true
    } catch (error) {
      await this.#write(id, before?.key, version)
      throw error
    }
  }

  async #try<T>(work: () => Promise<T | undefined>): Promise<T> {
    for (let tries = 0; tries < TRIES; tries++) {
      const done = await work()
      if (done !== undefined) return done
    }
    throw new PushError('STORE_UNAVAILABLE', 'others are changing this key at the same time')
  }

  /** The copy of this process has it when it resolves. */
  async #write(id: string, key: StoredKey | undefined, expected: number): Promise<number | undefined> {
    const { store, keys } = this.#context
    const content = key === undefined ? {} : { value: encodeStoredKey(key), expiresAt: key.expiresAt }
    const version = await store.writeRow({ table: KEYS_TABLE, key: id, expected, ...content })
    if (version !== undefined) await keys.refresh()
    return version
  }
}
