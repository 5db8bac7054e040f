/** The token in use: renewed in time, and replaced when it is refused. */
import { callBack, type Context, tell } from './context.ts'
import { errorOf, isPassing, needsToken, PushClientError } from './errors.ts'
import { backOff, pause } from './pause.ts'
import { askForToken, type Session, sessionOf } from './token.ts'

/** Check interval: the timers of a device do not run while it sleeps. */
const LOOK_MS = 3_600_000
/** Minimum interval, for tokens with a very short lifetime or tokens that are issued again and again. */
const SOONEST_MS = 1_000

export class Renewing {
  readonly #context: Context
  #session: Session
  /** Aborted when the session is another one. */
  #current = new AbortController()
  /** Of a replacement under way: several may ask for it. */
  #replacing: Promise<boolean> | undefined
  /** In a row. */
  #refusals = 0

  constructor(context: Context) {
    this.#context = context
    this.#session = sessionOf(context.options.token)
    context.signal.addEventListener('abort', () => this.#current.abort())
    this.#use(this.#session)
  }

  get session(): Session {
    return this.#session
  }

  /**
   * Returns another token than the refused one.
   * @throws PushClientError: `why`, if there is none; CALLBACK_FAILED, if the callback must be asked again
   */
  async replace(refused: Session, why: PushClientError): Promise<void> {
    if (refused !== this.#session) return
    this.#replacing ??= this.#replace(why).finally(() => (this.#replacing = undefined))
    if (!(await this.#replacing)) throw why
  }

  #use(session: Session): void {
    this.#current.abort()
    this.#session = session
    if (this.#context.signal.aborted) return
    this.#current = new AbortController()
    this.#keep(session, this.#current.signal).catch((error) => tell(this.#context, errorOf(error)))
  }

  /** Until there is another session, or nobody renews this one: it holds until its end, and who is refused then asks again. */
  async #keep(session: Session, signal: AbortSignal): Promise<void> {
    await pause(SOONEST_MS, signal)
    for (let wait = Infinity; wait > 0 && !signal.aborted; ) {
      wait = session.renewAt - Date.now()
      await pause(Math.min(wait, LOOK_MS), signal)
    }
    let least: number | undefined
    for (let attempt = this.#refusals; !signal.aborted; attempt += 1) {
      if (attempt > 0) await backOff(attempt, signal, least)
      const error = await this.#renew(session, signal)
      if (error === undefined || signal.aborted) return
      tell(this.#context, error)
      least = error.retryAfterMs
      if (!needsToken(error) && isPassing(error)) continue
      this.#refusals += 1
      if (await this.#isSettled(session, error)) return
    }
  }

  async #renew(session: Session, signal: AbortSignal): Promise<PushClientError | undefined> {
    const { api, options } = this.#context
    try {
      const answer = await askForToken(api, session.token, { ...options.renewal, app: session.app }, signal)
      if (signal.aborted) return undefined
      this.#refusals = 0
      this.#use(sessionOf(answer.token, session, Date.now()))
      await callBack(this.#context, 'onToken', () => options.onToken?.(answer))
      return undefined
    } catch (error) {
      return errorOf(error)
    }
  }

  /** Whether there is nothing more to do for this session: another one is there, or nobody has one. */
  async #isSettled(session: Session, why: PushClientError): Promise<boolean> {
    try {
      await this.replace(session, why)
      return true
    } catch (error) {
      if (error !== why) tell(this.#context, errorOf(error))
      return error === why
    }
  }

  async #replace(why: PushClientError): Promise<boolean> {
    const { options } = this.#context
    let token: string | undefined
    try {
      token = await options.getToken?.(why)
    } catch (cause) {
      throw new PushClientError('CALLBACK_FAILED', 'getToken has failed', { cause })
    }
    if (token === undefined) return false
    this.#use(sessionOf(token, this.#session))
    return true
  }
}
