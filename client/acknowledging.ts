/** Sends acknowledgements: one request at a time, with the newest cursor. */
import { ask } from './call.ts'
import { type Context, tell } from './context.ts'
import { errorOf, isPassing, needsToken, type PushClientError } from './errors.ts'
import { backOff } from './pause.ts'
import type { Place, Session } from './token.ts'

export class Acknowledging {
  readonly #context: Context
  readonly #session: () => Session
  readonly #running = new Map<Place, Promise<PushClientError | undefined>>()

  /** @param session the one with the newest token */
  constructor(context: Context, session: () => Session) {
    this.#context = context
    this.#session = session
  }

  /** Resolves when the server has accepted it, or with the reason for a permanent refusal. Never rejects. */
  acknowledge(place: Place): Promise<PushClientError | undefined> {
    const running = this.#running.get(place) ?? this.#run(place).finally(() => this.#running.delete(place))
    this.#running.set(place, running)
    return running
  }

  async #run(place: Place): Promise<PushClientError | undefined> {
    const { signal } = this.#context
    for (let attempt = 1; place.cursor !== undefined && place.cursor !== place.acknowledged; attempt += 1) {
      const { cursor } = place
      const { token, place: current } = this.#session()
      // Another account took over the device: handled messages come again when this account is back.
      if (current !== place) return undefined
      const error = await this.#send(token, cursor)
      if (error === undefined || error.code === 'CURSOR_INVALID') {
        place.acknowledged = cursor
        attempt = 0
        continue
      }
      if (needsToken(error) || !isPassing(error)) return error
      tell(this.#context, error)
      await backOff(attempt, signal, error.retryAfterMs)
      if (signal.aborted) return undefined
    }
    return undefined
  }

  /** Also sent while the client closes or, in a browser, while the page unloads. */
  async #send(token: string, cursor: string): Promise<PushClientError | undefined> {
    const call = { method: 'POST', path: 'messages/ack', token, body: { cursor }, keepalive: true } as const
    try {
      await ask(this.#context.api, call, undefined, 10_000)
      return undefined
    } catch (error) {
      return errorOf(error)
    }
  }
}
