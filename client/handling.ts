/** Passes messages to the handler of the embedder, one at a time. */
import { callBack, type Context, tell } from './context.ts'
import { errorOf, PushClientError } from './errors.ts'
import { keyOf, opened, received, type WireMessage } from './message.ts'
import { backOff } from './pause.ts'
import type { Message, SeenMessages } from './types.ts'

const ATTEMPTS = 10
const REMEMBERED = 1_000

export class Handling {
  readonly #context: Context
  readonly #seen: SeenMessages
  /** What was told of last, of private messages and of broadcasts. */
  readonly #missed = new Map<string, number | true | undefined>()

  constructor(context: Context) {
    this.#context = context
    this.#seen = context.options.seen ?? new LastSeen()
  }

  /** Resolves to whether it is done with: false if the client closes before. */
  async handle(wire: WireMessage): Promise<boolean> {
    await this.#tellMissed(wire)
    const key = keyOf(wire)
    let isSeen = false
    await callBack(this.#context, 'seen.has', async () => (isSeen = await this.#seen.has(key)))
    if (isSeen) return true
    if (!(await this.#attempt(wire))) return false
    await callBack(this.#context, 'seen.add', () => this.#seen.add(key))
    return true
  }

  async #attempt(wire: WireMessage): Promise<boolean> {
    const { options, signal } = this.#context
    const { attempts = ATTEMPTS, webPushKeys } = options
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      let message: Message | undefined
      try {
        message = await opened(wire, webPushKeys)
        await options.onMessage(message, { signal, attempt })
        return true
      } catch (cause) {
        if (signal.aborted) break
        const title = `the handler of message ${wire.id} has failed in attempt ${attempt}`
        // Another attempt would not decrypt it either.
        const isLast = message === undefined || attempt >= attempts
        const error = message === undefined ? errorOf(cause) : new PushClientError('HANDLER_FAILED', title, { cause })
        tell(this.#context, error)
        if (isLast && (await this.#putAside(message ?? received(wire), error))) return true
        await backOff(attempt, signal)
      }
    }
    return false
  }

  async #putAside(message: Message, why: PushClientError): Promise<boolean> {
    try {
      await this.#context.options.onGiveUp?.(message, why)
      return true
    } catch (error) {
      tell(this.#context, errorOf(error, 'CALLBACK_FAILED', 'onGiveUp has failed'))
      return false
    }
  }

  /** The server repeats it until a later message is acknowledged. */
  async #tellMissed({ topic, missed }: WireMessage): Promise<void> {
    const log = topic.split('/')[2] ?? ''
    const before = this.#missed.get(log)
    this.#missed.set(log, missed)
    if (missed === undefined || missed === before) return
    await callBack(this.#context, 'onMissed', () => this.#context.options.onMissed?.(missed))
  }
}

/** Keeps the newest entries. */
class LastSeen extends Set<string> {
  override add(key: string): this {
    super.add(key)
    for (const oldest of this) {
      if (this.size <= REMEMBERED) break
      this.delete(oldest)
    }
    return this
  }
}
