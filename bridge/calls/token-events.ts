/** Token events for readers of the event log of their app; without a reader, nothing is stored. */
import type { FastifyBaseLogger } from 'fastify'
import { type EventAppend, LONGEST_KEPT_MS, type UpstreamStore } from '../../store/contract.ts'
import { NO_TOKEN_ID } from '../events/event-answer.ts'
import type { TokenEventType } from '../events/event-types.ts'

export interface TokenEvent {
  readonly type: TokenEventType
  readonly app: string
  /** Absent: all token ids of the app. */
  readonly tokenId?: string | undefined
  /** Of the account that was current on the device before. */
  readonly switchedFrom?: string | undefined
}

interface TokenEventsContext {
  readonly store: Pick<UpstreamStore, 'appendEvents'>
  readonly logger: Pick<FastifyBaseLogger, 'warn'>
  readonly now: () => number
  readonly randomId: () => string
}

/** All devices of an account at most: so many are stored at one time. */
const AT_ONCE = 500

export class TokenEvents {
  readonly #context: TokenEventsContext

  constructor(context: TokenEventsContext) {
    this.#context = context
  }

  /** Never rejects: what they tell has happened, whether anybody hears of it or not. */
  async tell(events: readonly TokenEvent[]): Promise<void> {
    const { store, logger } = this.#context
    try {
      for (let from = 0; from < events.length; from += AT_ONCE)
        await store.appendEvents(events.slice(from, from + AT_ONCE).map((event) => this.#append(event)))
    } catch (error) {
      logger.warn({ err: error, events: events.length }, 'could not store token events')
    }
  }

  /** What events will be about; nothing where it cannot be found. */
  async known<T>(found: Promise<readonly T[]>): Promise<readonly T[]> {
    try {
      return await found
    } catch (error) {
      this.#context.logger.warn({ err: error }, 'could not look up the subjects of token events')
      return []
    }
  }

  #append({ type, app, tokenId = NO_TOKEN_ID, switchedFrom }: TokenEvent): EventAppend {
    const { now, randomId } = this.#context
    const eventId = randomId()
    const payload = Buffer.from(JSON.stringify({ eventId, switchedFrom }))
    const storedAt = now()
    const message = { id: eventId, payload, retain: false, storedAt, expiresAt: storedAt + LONGEST_KEPT_MS }
    return { app, tokenId, subject: type, message }
  }
}
