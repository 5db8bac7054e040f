/**
 * The keys of an identity provider, fetched from its URL at intervals, and sooner if a token has an unknown key, but
 * never so often that nonsense tokens could make us a burden to it. Known keys survive an outage of a day.
 */
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import { fetchText } from './fetch-keys.ts'
import { parseKeySet, type IssuerKey } from './issuer-keys.ts'

interface RemoteKeysOptions {
  readonly issuer: string
  readonly uri: string
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  /** For an answer, ms. */
  readonly timeoutMs?: number
}

/** From one request to the next, at least, ms. */
const PAUSE_MS = 30_000
/** A key that the issuer has taken back is believed no longer than this while it can be asked, ms. */
const REFRESH_MS = 300_000
/** A key is believed no longer than this while it cannot be asked, ms. */
const STALE_MS = 24 * 60 * 60 * 1000
const TIMEOUT_MS = 5_000

export class RemoteKeys {
  readonly #options: RemoteKeysOptions
  readonly #timer: NodeJS.Timeout
  #keys: readonly IssuerKey[] = []
  /** When the answer that they come from was asked for. */
  #confirmedAt = Number.NEGATIVE_INFINITY
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined
  #underWay: AbortController | undefined
  #isFailing = false
  #saidStale = false
  #isClosed = false

  constructor(options: RemoteKeysOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#refresh(), PAUSE_MS).unref()
    this.#refresh()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#underWay?.abort()
  }

  /**
   * Those that `select` finds; waits only where it finds none and the issuer may be asked now.
   * @throws ISSUER_UNAVAILABLE where it cannot be known which keys the issuer has
   */
  async find(select: (keys: readonly IssuerKey[]) => readonly IssuerKey[]): Promise<readonly IssuerKey[]> {
    this.#refresh()
    const known = this.#isStale ? [] : select(this.#keys)
    if (known.length > 0) return known
    await this.#ask()
    const found = this.#isStale ? [] : select(this.#keys)
    if (found.length === 0 && (this.#isStale || this.#isFailing)) throw this.#unavailable()
    return found
  }

  get #isStale(): boolean {
    return this.#options.monotonic() - this.#confirmedAt > STALE_MS
  }

  #unavailable(): PushError {
    if (!this.#isStale)
      return new PushError('ISSUER_UNAVAILABLE', 'no known key has this kid, and fetching newer keys fails')
    const never = this.#confirmedAt === Number.NEGATIVE_INFINITY
    return new PushError(
      'ISSUER_UNAVAILABLE',
      never ? 'no keys could be fetched yet' : 'no keys could be fetched for 24 hours',
    )
  }

  /** In the background. */
  #refresh(): void {
    const isDue = this.#isFailing || this.#options.monotonic() - this.#confirmedAt >= REFRESH_MS
    if (isDue) this.#ask().catch(() => undefined)
  }

  /** What is under way is waited for; where it is too soon for another one, nothing is. Never rejects. */
  #ask(): Promise<void> {
    if (this.#asking !== undefined) return this.#asking
    const now = this.#options.monotonic()
    if (this.#isClosed || now - this.#askedAt < PAUSE_MS) return Promise.resolve()
    this.#askedAt = now
    this.#asking = this.#fetch(now).finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #fetch(askedAt: number): Promise<void> {
    const { uri, issuer, logger, timeoutMs = TIMEOUT_MS } = this.#options
    const abort = new AbortController()
    const late = setTimeout(() => abort.abort(new Error(`it took longer than ${timeoutMs} ms`)), timeoutMs)
    this.#underWay = abort
    try {
      this.#keys = parseKeySet(await fetchText(uri, abort.signal))
      this.#confirmedAt = askedAt
      if (this.#isFailing) logger.info({ issuer }, 'fetched the keys of the identity provider again')
      this.#isFailing = false
      this.#saidStale = false
    } catch (error) {
      if (!this.#isClosed) this.#failed(error)
    } finally {
      clearTimeout(late)
    }
  }

  /** Said once, and again when tokens begin to be refused for it. */
  #failed(error: unknown): void {
    const { issuer, logger } = this.#options
    const line = { issuer, err: error }
    if (!this.#isFailing) logger.warn(line, 'could not fetch the keys of the identity provider, trying again')
    this.#isFailing = true
    if (!this.#isStale || this.#saidStale) return
    this.#saidStale = true
    logger.error(line, 'the keys of the identity provider are more than a day old; refusing its tokens')
  }
}
