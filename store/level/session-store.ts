/** Sessions by name of the embedded engine: their states and wills, logs and subscriptions; and what general topics retain. */
import type {
  LogSlice,
  NamedSessionStore,
  OpenedNamedSession,
  ReadLimit,
  RetainedTopic,
  RetainedTopicStore,
  SessionAppend,
  SessionAppended,
  SessionClose,
  SessionCommit,
  SessionEntry,
  SessionLogStore,
  SessionOwner,
  SessionSubscriptions,
  SubscriptionChange,
  SubscriptionSlice,
} from '../contract.ts'
import { LevelEngine } from './engine.ts'
import { closeNamedSession, openNamedSession, releaseReceived, rememberReceived, saveNamedSession } from './named.ts'
import { retainedTopics, retainTopic } from './retained-topics.ts'
import { bodyBytes } from './session-entry.ts'
import { appendSessions, commitSession, COPIED_BYTES, forgetUid, readSession } from './session-log.ts'
import {
  allSubscriptions,
  changeSubscriptions,
  readSubscriptions,
  subscriptionsEnd,
  subscriptionsOf,
} from './subscriptions.ts'
import { takeWill, willPublished } from './wills.ts'

/** Deliveries of one message that are one step: with more of them, other calls go on in between. */
const DELIVERIES = 2_000
/** What one of them writes, besides a copy of the message. */
const DELIVERY_BYTES = 200

export class LevelSessions extends LevelEngine implements NamedSessionStore, SessionLogStore {
  async openNamedSession(name: string, cleanStart: boolean, keptMs = Infinity): Promise<OpenedNamedSession> {
    return await this.change((transaction) => openNamedSession(transaction, name, cleanStart, keptMs), {
      bytes: name.length,
    })
  }

  async saveNamedSession(name: string, epoch: number, state: Uint8Array): Promise<void> {
    const bytes = name.length + state.byteLength
    await this.change((transaction) => saveNamedSession(transaction, name, epoch, state), { bytes })
  }

  async closeNamedSession(name: string, epoch: number, close: SessionClose): Promise<void> {
    const bytes = name.length + (close.state?.byteLength ?? 0) + (close.will?.value.byteLength ?? 0)
    await this.change((transaction) => closeNamedSession(transaction, name, epoch, close), { bytes })
  }

  rememberReceived(name: string, epoch: number, packetId: number, known: string): Promise<string | undefined> {
    return this.change((transaction) => rememberReceived(transaction, { name, epoch, packetId, known }))
  }

  releaseReceived(name: string, epoch: number, packetId: number): Promise<string | undefined> {
    return this.change((transaction) => releaseReceived(transaction, name, epoch, packetId))
  }

  // Wills

  async takeWill(owner: SessionOwner, epoch: number, until: number): Promise<Uint8Array | undefined> {
    return await this.change((transaction) => takeWill(transaction, owner, epoch, until))
  }

  async willPublished(owner: SessionOwner, epoch: number): Promise<void> {
    await this.change((transaction) => willPublished(transaction, owner, epoch))
  }

  // Logs

  async appendSessions(append: SessionAppend): Promise<readonly SessionAppended[]> {
    const { to } = append
    if (to.length <= DELIVERIES) return await this.#append(append)
    const steps: Promise<readonly SessionAppended[]>[] = []
    for (let from = 0; from < to.length; from += DELIVERIES) {
      steps.push(this.#append({ ...append, to: to.slice(from, from + DELIVERIES) }))
    }
    return (await Promise.all(steps)).flat()
  }

  #append(append: SessionAppend): Promise<readonly SessionAppended[]> {
    const own = bodyBytes(append.message)
    const bytes = own + append.to.length * (DELIVERY_BYTES + Math.min(own, COPIED_BYTES))
    return this.change((transaction) => appendSessions(transaction, this.limits, append), { bytes })
  }

  /** Where it is lost, the uid stays for its day. */
  async forgetUid(uid: string, names: readonly string[]): Promise<void> {
    await this.change((transaction) => forgetUid(transaction, uid, names), { synced: false })
  }

  async readSession(name: string, after: number, limit: ReadLimit): Promise<LogSlice<SessionEntry>> {
    this.mustBeOpen()
    return await readSession(this.database, this.durable.named(name), { after, limit, now: this.now() })
  }

  async commitSession(commit: SessionCommit): Promise<boolean> {
    const synced = commit.released.length > 0
    return await this.change((transaction) => commitSession(transaction, commit), { synced })
  }

  // Subscriptions

  async changeSubscriptions(change: SubscriptionChange): Promise<number> {
    let bytes = change.name.length
    for (const [filter, options] of change.filters) bytes += 2 * (filter.length + (options?.byteLength ?? 0))
    return await this.change((transaction) => changeSubscriptions(transaction, change), { bytes })
  }

  async subscriptionsEnd(): Promise<number> {
    this.mustBeOpen()
    return subscriptionsEnd(this.database)
  }

  async readSubscriptions(after: number, most: number): Promise<SubscriptionSlice | undefined> {
    this.mustBeOpen()
    return await readSubscriptions(this.database, after, most)
  }

  subscriptions(): AsyncIterable<SessionSubscriptions> {
    this.mustBeOpen()
    return allSubscriptions(this.database)
  }

  async subscriptionsOf(name: string): Promise<SessionSubscriptions | undefined> {
    this.mustBeOpen()
    return await subscriptionsOf(this.database, this.durable.named(name))
  }

  // Retained messages of general topics

  readonly retainedTopics: RetainedTopicStore = {
    retainTopic: async (retained: RetainedTopic): Promise<void> => {
      const bytes = retained.topic.length + retained.payload.byteLength
      await this.change((transaction) => retainTopic(transaction, retained), { bytes })
    },
    retainedTopics: (prefix: string): AsyncIterable<RetainedTopic> => {
      this.mustBeOpen()
      return retainedTopics(this.database, this.now, prefix)
    },
  }
}
