/** Subscriptions of sessions that are known by a name: a log of their changes, and what there is now. One slot has all. */
import type {
  LoggedSubscriptionChange,
  SessionSubscriptions,
  SubscriptionChange,
  SubscriptionSlice,
} from '../contract.ts'
import type { Lanes, Result } from './lanes.ts'
import { subscriptionsBase } from './keys.ts'
import { type LookClient, SubscriptionsEnd } from './subscriptions-end.ts'
import type { Names } from './names.ts'
import { type Packable, type Packed, unpack } from './pack.ts'
import type { Followed, RedisSubscriptionLease } from './subscription-lease.ts'
import {
  asBytes,
  asList,
  asNumber,
  asText,
  ALL_SUBSCRIPTIONS,
  CHANGE_SUBSCRIPTIONS,
  END_SUBSCRIPTIONS,
  READ_SUBSCRIPTIONS,
  SUBSCRIPTIONS_OF,
} from './steps.ts'

interface SubscriptionsOptions {
  readonly lanes: Lanes
  readonly names: Names
  readonly prefix: string
  readonly client: LookClient
  readonly deadlineMs: number
  readonly lease: RedisSubscriptionLease
}

/** Of one answer. */
const MOST_CHANGES = 1_000
const SESSIONS_A_PAGE = 1_000
const START = '0'

export class Subscriptions {
  readonly #lanes: Lanes
  readonly #names: Names
  readonly #base: string
  readonly #end: SubscriptionsEnd
  readonly #lease: RedisSubscriptionLease

  constructor({ lanes, names, prefix, client, deadlineMs, lease }: SubscriptionsOptions) {
    this.#lanes = lanes
    this.#names = names
    this.#base = subscriptionsBase(prefix)
    this.#lease = lease
    this.#end = new SubscriptionsEnd({ lanes, client, base: this.#base, deadlineMs })
  }

  /** `isAgain`: where all is so already, nothing has changed. */
  async change({ name, epoch, replaces, filters }: SubscriptionChange, isAgain: boolean): Promise<Followed> {
    const [, field, text] = this.#names.placeOf(name)
    const flat: Packable[] = []
    for (const [filter, options] of filters) flat.push(filter, options ?? false)
    const told = [field, text, epoch, replaces, isAgain, ...flat]
    const followed = await this.#lease.followed(() => this.#lanes.run(CHANGE_SUBSCRIPTIONS, this.#base, ...told))
    // Given back to a Redis that lost it: nobody tells the table.
    if (isAgain) this.#lease.giveUp()
    return followed
  }

  /** Of sessions of this name up to an epoch, none is left, and none comes. */
  async end(name: string, epoch: number): Promise<void> {
    const [, field, text] = this.#names.placeOf(name)
    await this.#lanes.run(END_SUBSCRIPTIONS, this.#base, field, text, epoch)
  }

  lastOffset(): Promise<number> {
    return this.#end.look()
  }

  async read(after: number, most: number): Promise<SubscriptionSlice | undefined> {
    const limit = Math.min(most, MOST_CHANGES)
    const result = await this.#lanes.run(READ_SUBSCRIPTIONS, this.#base, after, limit)
    if (result.length === 0) return undefined
    const changes: LoggedSubscriptionChange[] = []
    for (let at = 2; at + 1 < result.length; at += 2) {
      changes.push(decodeChange(asNumber(result[at]), asBytes(result[at + 1])))
    }
    return { changes, readTo: asNumber(result[0]), end: asNumber(result[1]) }
  }

  /** Each session once: a page may tell again what an earlier one told. */
  async *all(): AsyncIterable<SessionSubscriptions> {
    const told = new Set<string>()
    let page: Promise<Result> | undefined = this.#page(START)
    while (page !== undefined) {
      const [next, rows]: Result = await page
      const cursor = asText(next)
      // Redis works on it while this one is told.
      page = cursor === START ? undefined : this.#page(cursor)
      const flat = asList(rows)
      for (let at = 0; at + 1 < flat.length; at += 2) {
        const { session, hasMany } = decodeSession(asText(flat[at]), asBytes(flat[at + 1]))
        const { name } = session
        if (told.has(name)) continue
        told.add(name)
        const whole = hasMany ? await this.of(name) : session
        if (whole !== undefined) yield whole
      }
    }
  }

  #page(cursor: string): Promise<Result> {
    const page = this.#lanes.run(ALL_SUBSCRIPTIONS, this.#base, cursor, SESSIONS_A_PAGE)
    // Who stopped before it does not wait for it.
    page.catch(() => undefined)
    return page
  }

  async of(name: string): Promise<SessionSubscriptions | undefined> {
    const [, field] = this.#names.placeOf(name)
    const [record, filters] = await this.#lanes.run(SUBSCRIPTIONS_OF, this.#base, field)
    if (record === undefined) return undefined
    return { ...decodeSession(name, asBytes(record)).session, filters: decodeFilters(filters) }
  }
}

interface DecodedSession {
  readonly session: SessionSubscriptions
  /** They are not in its record. */
  readonly hasMany: boolean
}

function decodeSession(field: string, record: Buffer): DecodedSession {
  const [, epoch, name, filters] = asList(unpack(record))
  const session = {
    name: name instanceof Buffer ? name.toString() : field,
    epoch: asNumber(epoch),
    filters: decodeFilters(filters),
  }
  return { session, hasMany: filters === false }
}

function decodeFilters(filters: Packed | undefined): SessionSubscriptions['filters'] {
  const flat = asList(filters)
  const pairs: [string, Uint8Array][] = []
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.push([asText(flat[at]), asBytes(flat[at + 1])])
  return pairs
}

function decodeChange(offset: number, change: Buffer): LoggedSubscriptionChange {
  const [, name, epoch, replaces, filters] = asList(unpack(change))
  const flat = asList(filters)
  const pairs: (readonly [string, Uint8Array?])[] = []
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const filter = asText(flat[at])
    const options = flat[at + 1]
    pairs.push(options instanceof Buffer ? [filter, options] : [filter])
  }
  return { offset, name: asText(name), epoch: asNumber(epoch), replaces: replaces === true, filters: pairs }
}
