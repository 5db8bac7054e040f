/** Devices of a store, driven without a server: what each call of the contract costs, and how many bytes it leaves. */
import { randomBytes } from 'node:crypto'
import type { Message, Store, TokenId } from '../../store/index.ts'
import { forEach } from '../load/for-each.ts'

export const APP = 'sizing'
const TOKEN_ID_BYTES = 16
/** A bucket is six bits of the second byte of a token id. */
const BYTES_OF_A_BUCKET = 4
const MARK_BYTES = 6
const VERSION = '1.0.0'
const DAY_MS = 86_400_000
/** What a session with two subscriptions keeps. */
const STATE = new Uint8Array(48)
/** Commits that a node writes together. */
const BATCH = 64

/** CPU of one call, us. */
export interface Cost {
  readonly node: number
  readonly redis: number
}

export interface Meter {
  /** CPU of Redis so far, us; 0 where there is none. */
  redisCpu(): number
  /** Bytes that are stored. */
  bytes(): Promise<number>
}

interface Known {
  readonly tokenId: TokenId
  /** Of its tokens. */
  readonly generation: number
}

export class Population {
  readonly store: Store
  readonly devices: Known[] = []
  readonly #meter: Meter
  readonly #payload: Uint8Array
  #messages = 0
  /** ms since the epoch; a simulation moves it. */
  now = Date.now()

  constructor(open: (now: () => number) => Store, meter: Meter, payloadBytes: number) {
    this.store = open(() => this.now)
    this.#meter = meter
    this.#payload = randomBytes(payloadBytes)
  }

  async measure(count: number, work: () => Promise<unknown>): Promise<Cost> {
    const [own, redis] = [process.cpuUsage(), this.#meter.redisCpu()]
    await work()
    const { user, system } = process.cpuUsage(own)
    return { node: (user + system) / count, redis: (this.#meter.redisCpu() - redis) / count }
  }

  bytes(): Promise<number> {
    return this.#meter.bytes()
  }

  /** In so many buckets of one partition; elsewhere, those that only warm up the code. */
  async add(count: number, buckets: number, isElsewhere = false): Promise<void> {
    const ids = Array.from({ length: count }, (_, place) => {
      const id = randomBytes(TOKEN_ID_BYTES)
      id[0] = isElsewhere ? 1 : 0
      id[1] = (place % buckets) * BYTES_OF_A_BUCKET
      return id.toString('base64url')
    })
    await forEach(ids, async (tokenId) => {
      const deviceMark = randomBytes(MARK_BYTES).toString('base64url')
      const details = { version: VERSION }
      const registration = { tokenId, app: APP, deviceMark, expiresAt: this.now + 90 * DAY_MS, details }
      const { generation } = await this.store.registerToken(registration)
      if (!isElsewhere) this.devices.push({ tokenId, generation })
    })
  }

  /** It comes and goes; what a session keeps is kept. */
  async visit({ tokenId, generation }: Known): Promise<void> {
    const { epoch } = await this.store.openSession({ tokenId, app: APP, generation, cleanStart: false })
    await this.store.closeSession(tokenId, epoch, { state: STATE, stateExpiresAt: this.now + 7 * DAY_MS })
  }

  async send({ tokenId }: Known): Promise<number> {
    const { offset } = await this.store.append({ tokenId, app: APP, message: this.#message(), dedupe: false })
    return offset
  }

  async broadcast(): Promise<number> {
    const selector = { kind: 'all' } as const
    const { offset } = await this.store.appendBroadcast({ app: APP, selector, message: this.#message(), dedupe: false })
    return offset
  }

  /** A read that travels alone, as the question how many wakes a lane has told a node. */
  async look({ tokenId }: Known): Promise<void> {
    await this.store.lookupToken(tokenId)
  }

  /** A connected device reads after its last message: embedded, once in `PUSH_SESSION_RECHECK`; over Redis, once in 60. */
  async recheck({ tokenId }: Known): Promise<void> {
    await this.store.readPrivate(tokenId, Number.MAX_SAFE_INTEGER, { entries: 1, bytes: 1 })
  }

  /** What each has acknowledged up to, in batches as a node writes them. */
  async acknowledge(
    acknowledged: readonly (readonly [tokenId: TokenId, offset: number])[],
    log: 'private' | 'broadcast',
  ) {
    for (let at = 0; at < acknowledged.length; at += BATCH) {
      const batch = acknowledged.slice(at, at + BATCH)
      await this.store.commit(batch.map(([tokenId, offset]) => ({ tokenId, [log]: offset })))
    }
  }

  #message(): Message {
    this.#messages += 1
    const id = `m${this.#messages.toString(36).padStart(10, '0')}`
    return { id, payload: this.#payload, retain: false, storedAt: this.now, expiresAt: this.now + 7 * DAY_MS }
  }
}
