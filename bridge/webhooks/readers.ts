/** The readers of a webhook: in the event log of its app, and in its upstream log if requested. */
import { eventLog, LONGEST_KEPT_MS, type ReaderMove, type Store } from '../../store/contract.ts'
import { EventTypes } from '../events/event-types.ts'
import type { EventMoves } from '../events/event-cursor.ts'
import { Standing } from '../events/standing.ts'
import type { Webhook } from './webhook-row.ts'

/** A reader ends so long after it was looked at last, ms: what is older has gone anyway. */
const LASTS_MS = LONGEST_KEPT_MS
/** Before it is known that its webhook is there: a call that is cut short leaves nothing for longer, ms. */
const OPENED_MS = 60 * 60 * 1000
/** Its end moves in steps, so that few looks write it. */
const END_STEP_MS = 60 * 60 * 1000
const SCAN = { entries: 1_000, bytes: 1024 * 1024 }

type Place = Pick<Webhook, 'id' | 'place'>

/** A replay begins with another reader. */
export function readerOf({ id, place }: Place): string {
  return `webhook ${id} ${place}`
}

/** Stands behind, so that what was delivered is not trimmed yet. */
function keeperOf({ id }: Pick<Webhook, 'id'>): string {
  return `webhook ${id} kept`
}

/** What cursors of a webhook are bound to. */
export function cursorOwnerOf(store: Pick<Store, 'upstreamParts'>, { id, app }: Pick<Webhook, 'id' | 'app'>) {
  return { app, reader: `webhook ${id}`, parts: store.upstreamParts }
}

export function typesOf({ types }: Pick<Webhook, 'types'>): EventTypes {
  return EventTypes.parse(types?.join(','))
}

export function logsOf(webhook: Pick<Webhook, 'app' | 'types'>): readonly string[] {
  const types = typesOf(webhook)
  return [...(types.hasLogged ? [eventLog(webhook.app)] : []), ...(types.hasUpstream ? [webhook.app] : [])]
}

interface ReadersContext {
  readonly store: Store
  readonly now: () => number
}

export class Readers {
  readonly #context: ReadersContext

  constructor(context: ReadersContext) {
    this.#context = context
  }

  /** Where it stands, opened where it is not. @throws STORE_UNAVAILABLE */
  async stand(standing: Standing, lookedAt: number): Promise<void> {
    await this.#look(standing, lookedAt, 'earliest', this.#expiresAt)
  }

  /** What is stored from here on is kept for it. @throws STORE_UNAVAILABLE */
  async open(webhook: Webhook, from: 'earliest' | 'latest'): Promise<readonly Standing[]> {
    const standings = logsOf(webhook).map((log) => new Standing(log, readerOf(webhook)))
    const expiresAt = this.#context.now() + OPENED_MS
    await Promise.all(standings.map((standing) => this.#look(standing, 0, from, expiresAt)))
    return standings
  }

  async openKept(webhook: Webhook, from: 'earliest' | 'latest'): Promise<void> {
    if (!keeps(webhook)) return
    const { store, now } = this.#context
    const app = eventLog(webhook.app)
    await store.openReader({ app, reader: keeperOf(webhook), expiresAt: now() + OPENED_MS, from })
  }

  /** False: a reader has ended, or was lost. @throws STORE_UNAVAILABLE */
  async move(webhook: Webhook, moves: EventMoves): Promise<boolean> {
    const { store } = this.#context
    const ofLogs: readonly (readonly [string, readonly ReaderMove[]])[] = [
      [eventLog(webhook.app), moves.events],
      [webhook.app, moves.upstream],
    ]
    const known = await Promise.all(
      ofLogs.map(async ([log, ofLog]) => ofLog.length === 0 || store.moveReader(log, readerOf(webhook), ofLog)),
    )
    return known.every(Boolean)
  }

  /** So many went unread because the log was full. @throws STORE_UNAVAILABLE */
  async missed(standings: readonly Standing[]): Promise<number> {
    const { store } = this.#context
    const limit = { entries: 1, bytes: 1 }
    let sum = 0
    for (const standing of standings) {
      const { log, reader } = standing
      for (let part = 0; part < store.upstreamParts; part += 1) {
        const after = standing.cursor(part)
        if (after >= standing.end(part)) continue
        sum += (await store.readUnread({ app: log, reader, part, after, limit })).missed
      }
    }
    return sum
  }

  /** All that it has, of whichever place. Idempotent. @throws STORE_UNAVAILABLE */
  async close(webhook: Webhook): Promise<void> {
    await this.closePlace(webhook)
    await this.#context.store.closeReader(eventLog(webhook.app), keeperOf(webhook))
  }

  async closePlace(webhook: Webhook, logs = [eventLog(webhook.app), webhook.app]): Promise<void> {
    await Promise.all(logs.map((log) => this.#context.store.closeReader(log, readerOf(webhook))))
  }

  async closeKept(webhook: Webhook): Promise<void> {
    await this.#context.store.closeReader(eventLog(webhook.app), keeperOf(webhook))
  }

  /** What was stored longer ago than it is kept may go. True: something is kept still. @throws STORE_UNAVAILABLE */
  async release(webhook: Webhook): Promise<boolean> {
    const { store, now } = this.#context
    const app = eventLog(webhook.app)
    const reader = keeperOf(webhook)
    const before = now() - webhook.keepFor * 1000
    const parts = await store.openReader({ app, reader, expiresAt: this.#expiresAt, from: 'earliest' })
    let keepsSome = false
    for (const { part, cursor, end } of parts) {
      let at = cursor
      while (at < end) {
        const { entries, readTo } = await store.readUpstream(app, part, at, SCAN)
        const young = entries.findIndex(({ storedAt }) => storedAt > before)
        at = young === -1 ? readTo : (entries[young - 1]?.offset ?? at)
        if (young !== -1 || readTo >= end) break
      }
      if (at > cursor) await store.moveReader(app, reader, [{ part, cursor: at }])
      keepsSome ||= at < end
    }
    return keepsSome
  }

  async #look(standing: Standing, lookedAt: number, from: 'earliest' | 'latest', expiresAt: number): Promise<void> {
    const { log, reader } = standing
    const open = { app: log, reader, expiresAt, from, keepsMissed: true }
    await standing.look(() => this.#context.store.openReader(open), lookedAt)
  }

  get #expiresAt(): number {
    return Math.ceil((this.#context.now() + LASTS_MS) / END_STEP_MS) * END_STEP_MS
  }
}

/** Of what devices publish nothing is kept: it would count as unread, and be refused from them. */
export function keeps(webhook: Webhook): boolean {
  return webhook.keepFor > 0 && typesOf(webhook).hasLogged
}
