/** The identity providers of a file, which may change while we run. */
import { unwatchFile, watchFile } from 'node:fs'
import type { Logger } from 'pino'
import { readNamedFile } from '../../common/private-files.ts'
import type { Auth } from '../contract.ts'
import { invalid } from '../jwt.ts'
import { loadEntries, type IssuerEntry } from './entries.ts'
import { askedKey, claimedIssuer, readIdentity, verifiedClaims } from './identity.ts'
import { keysFor, parseKeysFile, type IssuerKey } from './issuer-keys.ts'
import { RemoteKeys } from './remote-keys.ts'

interface IssuersOptions {
  /** Absent: there are no identity providers. */
  readonly file: string | undefined
  /** Of message tokens, which vouch for nobody. */
  readonly ownIssuer: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
}

export interface Issuers extends Pick<Auth, 'identity' | 'issuerOf'> {
  /** Reloads the file; a file that cannot be used changes nothing and is logged. Never rejects. */
  reload(): Promise<void>
  close(): void
}

interface Known {
  readonly entry: IssuerEntry
  readonly keys: RemoteKeys | readonly IssuerKey[]
}

/** Looking beats being told: files that are replaced by a rename, a link or over a network are all found, ms. */
const LOOK_MS = 1_000
/** Files that belong together are replaced one after the other, ms. */
const SETTLE_MS = 500

/** @throws Error that names the file and the field, and quotes none of its values */
export async function openIssuers(options: IssuersOptions): Promise<Issuers> {
  const { file, ownIssuer, now } = options
  if (file === undefined) return withoutIssuers(ownIssuer)
  const issuers = new LiveIssuers(file, options)
  await issuers.open()
  return {
    issuerOf(token) {
      const issuer = claimedIssuer(token)
      if (issuer === ownIssuer) return 'own'
      return issuers.known.has(issuer) ? 'known' : undefined
    },
    async identity(token) {
      const known = issuers.known.get(claimedIssuer(token))
      if (known === undefined) throw invalid('iss')
      const { alg, kid } = askedKey(token, known.entry)
      const select = (keys: readonly IssuerKey[]) => keysFor(keys, alg, kid)
      const keys = known.keys instanceof RemoteKeys ? await known.keys.find(select) : select(known.keys)
      return readIdentity(verifiedClaims(token, alg, keys), known.entry, now())
    },
    reload: () => issuers.reload(),
    close: () => issuers.close(),
  }
}

function withoutIssuers(ownIssuer: string): Issuers {
  return {
    issuerOf: (token) => (claimedIssuer(token) === ownIssuer ? 'own' : undefined),
    identity: async () => {
      throw invalid('iss')
    },
    reload: async () => undefined,
    close: () => undefined,
  }
}

/** @throws Error that names the file and the field, and quotes none of its values */
export async function checkIssuersFile(path: string, ownIssuer: string): Promise<void> {
  for (const entry of await loadEntries(path, ownIssuer)) await fileKeys(entry, path)
}

/** Undefined: they are at an address. */
async function fileKeys({ keys, issuer }: IssuerEntry, path: string): Promise<readonly IssuerKey[] | undefined> {
  if ('uri' in keys) return undefined
  try {
    return parseKeysFile(await readNamedFile(keys.file))
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    throw new Error(`${path}: keysFile of ${issuer}: ${keys.file}: ${detail}`, { cause: error })
  }
}

class LiveIssuers {
  /** By `iss`. */
  known: ReadonlyMap<unknown, Known> = new Map()
  readonly #file: string
  readonly #options: IssuersOptions
  readonly #changed = (): void => this.#settle()
  #watched: ReadonlySet<string> = new Set()
  #settling: NodeJS.Timeout | undefined
  #loading = Promise.resolve()
  #isClosed = false

  constructor(file: string, options: IssuersOptions) {
    this.#file = file
    this.#options = options
  }

  async open(): Promise<void> {
    await this.#load()
  }

  reload(): Promise<void> {
    const { logger } = this.#options
    clearTimeout(this.#settling)
    // One after the other: what is read last counts.
    this.#loading = this.#loading.then(async () => {
      if (this.#isClosed) return
      try {
        await this.#load()
        logger.info({ issuers: [...this.known.keys()] }, 'identity providers loaded')
      } catch (error) {
        logger.error({ err: error }, 'cannot use the file of identity providers; keeping the previous ones')
      }
    })
    return this.#loading
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#settling)
    this.#watch(new Set())
    for (const { keys } of this.known.values()) if (keys instanceof RemoteKeys) keys.close()
  }

  /** All of it, or nothing. */
  async #load(): Promise<void> {
    const entries = await loadEntries(this.#file, this.#options.ownIssuer)
    if (this.#isClosed) return
    // Before they are read: one that is not there yet may come.
    this.#watch(new Set([this.#file, ...entries.flatMap(({ keys }) => ('file' in keys ? [keys.file] : []))]))
    const read = await Promise.all(entries.map(async (entry) => ({ entry, keys: await fileKeys(entry, this.#file) })))
    if (this.#isClosed) return
    const previous = this.known
    const known = read.map(({ entry, keys }): Known => ({ entry, keys: keys ?? this.#remote(entry, previous) }))
    this.known = new Map(known.map((each) => [each.entry.issuer, each]))
    const inUse = new Set(known.map(({ keys }) => keys))
    for (const { keys } of previous.values()) if (keys instanceof RemoteKeys && !inUse.has(keys)) keys.close()
  }

  /** What was fetched, and when, outlives a change of the file: nobody is asked more often for it. */
  #remote({ issuer, keys }: IssuerEntry, previous: ReadonlyMap<unknown, Known>): RemoteKeys {
    const uri = 'uri' in keys ? keys.uri : ''
    const known = previous.get(issuer)
    if (known?.keys instanceof RemoteKeys && 'uri' in known.entry.keys && known.entry.keys.uri === uri)
      return known.keys
    return new RemoteKeys({ ...this.#options, issuer, uri })
  }

  #watch(paths: ReadonlySet<string>): void {
    for (const path of this.#watched) if (!paths.has(path)) unwatchFile(path, this.#changed)
    for (const path of paths)
      if (!this.#watched.has(path)) watchFile(path, { interval: LOOK_MS, persistent: false }, this.#changed)
    this.#watched = paths
  }

  #settle(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => {
      this.reload().catch(() => undefined)
    }, SETTLE_MS).unref()
  }
}
