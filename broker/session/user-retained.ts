/**
 * Delivers retained messages to the new subscriptions of one user, as its window allows. With QoS 1 and 2, a kept
 * session gets them through its log, so that unacknowledged ones are sent again [MQTT-4.4.0-1].
 */
import { PushError } from '../../errors.ts'
import type { RetainedTopic } from '../../store/contract.ts'
import type { QoS } from '../codec/packets.ts'
import type { GeneralSubscription } from './general.ts'
import { RetainSources } from './retain-sources.ts'
import type { UserLog } from './user-log.ts'
import type { UserOutgoingContext } from './user-outgoing-context.ts'
import type { UserQueue } from './user-queue.ts'
import type { UserWindow } from './user-window.ts'

interface Ways {
  readonly window: UserWindow
  readonly queue: UserQueue
  readonly log: UserLog | undefined
}

interface Due {
  readonly subscription: GeneralSubscription
  messages: AsyncIterator<RetainedTopic>
  /** Some of them may have gone. */
  isBegun: boolean
  /** Where nobody closes the session, the next connection sends them all. */
  isSaved: boolean
}

/** Through a log, so many go together. */
const TOGETHER = 32
/** Topics that were published to meanwhile; with more of them, each retained message is read again. */
const PASSED = 10_000

export class UserRetained {
  readonly #session: UserOutgoingContext
  readonly #ways: Ways
  #due: Due[] = []
  /** What was read before may be older than what has gone out of these topics since. */
  readonly #passed = new Set<string>()
  /** Absent until it is needed. */
  #sources: RetainSources | undefined
  #running = false
  #again = false
  #closed = false

  constructor(session: UserOutgoingContext, ways: Ways) {
    this.#session = session
    this.#ways = ways
  }

  /** Names of subscriptions that are not through. */
  due(): string[] {
    return this.#due.map(({ subscription }) => subscription.name)
  }

  add(subscription: GeneralSubscription): void {
    this.#due.push({ subscription, messages: this.#messagesFor(subscription), isBegun: false, isSaved: false })
    this.run()
  }

  #messagesFor({ filter }: GeneralSubscription): AsyncIterator<RetainedTopic> {
    return this.#session.node.router.retained(filter)[Symbol.asyncIterator]()
  }

  remove(name: string): void {
    for (const each of this.#due) if (each.subscription.name === name) this.#end(each)
  }

  /** A message of this topic has come. */
  passed(topic: string): void {
    if (this.#due.length > 0 && this.#passed.size <= PASSED) this.#passed.add(topic)
  }

  close(): void {
    this.#closed = true
    for (const { messages } of this.#due) void messages.return?.().catch(() => undefined)
  }

  run(): void {
    if (this.#running) {
      this.#again = true
      return
    }
    if (this.#due.length === 0 || !this.#hasRoom()) return
    this.#running = true
    this.#work().then(
      () => this.#done(),
      (error: unknown) => this.#failed(error),
    )
  }

  /** Nobody has to connect again for messages of which none has gone. */
  #failed(error: unknown): void {
    this.#running = false
    this.#again = false
    const { node } = this.#session
    const [due] = this.#due
    if (due?.isBegun === false && error instanceof PushError && error.code === 'STORE_UNAVAILABLE') {
      node.logger.warn({ err: error }, 'could not read retained messages, trying again')
      due.messages = this.#messagesFor(due.subscription)
      return node.sessions.later(() => this.run())
    }
    node.logger.warn({ err: error }, 'could not read retained messages')
    this.#session.end(error instanceof PushError ? error : new PushError('INTERNAL'))
  }

  #done(): void {
    this.#running = false
    if (!this.#again) return
    this.#again = false
    this.run()
  }

  #hasRoom(): boolean {
    const { window, queue, log } = this.#ways
    if (this.#closed || !this.#session.live || !this.#session.connection.writable) return false
    return window.room > 0 && queue.length === 0 && log?.isCaughtUp !== false
  }

  async #work(): Promise<void> {
    for (let due = this.#due[0]; due !== undefined && this.#hasRoom(); due = this.#due[0]) {
      const messages = await this.#read(due)
      if (this.#closed) return
      // It may have been replaced while this was read.
      if (!this.#due.includes(due)) continue
      if (messages.length === 0) this.#end(due)
      else if (!(await this.#send(due, messages))) return
    }
  }

  /** As many as there is room for. */
  async #read(due: Due): Promise<RetainedTopic[]> {
    const messages: RetainedTopic[] = []
    const most = Math.min(this.#ways.window.room, TOGETHER)
    while (messages.length < most) {
      const next = await nextOf(due.messages)
      if (next === undefined) break
      const current = this.#mayBeOld(next.topic) ? await this.#current(next.topic) : next
      if (current !== undefined && (await this.#mayGo(current))) messages.push(current)
    }
    return messages
  }

  /** What is not for it needs no place in its log; and its publisher may no longer be allowed to have written it. */
  async #mayGo(retained: RetainedTopic): Promise<boolean> {
    const { user, node } = this.#session
    if (user.mayReceive?.(retained.topic) === false) return false
    if (!node.terms.checksRetainSource) return true
    this.#sources ??= new RetainSources(node)
    return await this.#sources.mayStillWrite(retained)
  }

  #mayBeOld(topic: string): boolean {
    return this.#passed.size > PASSED || this.#passed.has(topic)
  }

  async #current(topic: string): Promise<RetainedTopic | undefined> {
    for await (const message of this.#session.node.router.retained(topic)) return message
    return undefined
  }

  /** False if it has to wait for room in the log. */
  async #send(due: Due, messages: readonly RetainedTopic[]): Promise<boolean> {
    const { qos: granted, identifier } = due.subscription
    const { upgradesQos } = this.#session.node.terms
    if (
      !due.isSaved &&
      this.#ways.log !== undefined &&
      granted > 0 &&
      messages.some((each) => each.qos > 0 || upgradesQos)
    ) {
      await this.#session.save()
      due.isSaved = true
    }
    due.isBegun = true
    const identifiers = identifier === 0 ? [] : [identifier]
    const stored: Promise<boolean>[] = []
    for (const message of messages) {
      const qos = upgradesQos ? granted : lower(message.qos, granted)
      if (qos > 0 && this.#ways.log !== undefined && !isLocal(message))
        stored.push(this.#store(message, qos === 2 ? 2 : 1, identifiers))
      else this.#ways.queue.push(message, { qos, retain: true, identifiers })
    }
    return (await Promise.all(stored)).every(Boolean)
  }

  async #store(message: RetainedTopic, qos: 1 | 2, identifiers: readonly number[]): Promise<boolean> {
    const { node, name, connection } = this.#session
    const to = [{ name, qos, retain: true, identifiers }]
    const [outcome] = await node.store.appendSessions({ topic: message.topic, message, to })
    if (outcome === 'gone') this.#session.end(new PushError('SESSION_TAKEN_OVER'))
    if (outcome !== 'full') return outcome === 'stored'
    node.logger.warn({ connection: connection.id }, 'the log of a session is full; dropping a retained message for it')
    return true
  }

  #end(due: Due): void {
    this.#due = this.#due.filter((each) => each !== due)
    void due.messages.return?.().catch(() => undefined)
    if (this.#due.length === 0) {
      this.#passed.clear()
      this.#sources = undefined
    }
    // Where it is not written, they come again.
    if (due.isSaved) this.#session.save().catch(() => undefined)
  }
}

async function nextOf(messages: AsyncIterator<RetainedTopic>): Promise<RetainedTopic | undefined> {
  const { done, value } = await messages.next()
  return done === true ? undefined : value
}

/** Of this process alone: no log has it. */
function isLocal(message: RetainedTopic): boolean {
  return 'isLocal' in message
}

function lower(one: QoS, other: QoS): QoS {
  return one < other ? one : other
}
