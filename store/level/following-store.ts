/** What happens to messages, in the embedded engine. */
import type {
  BroadcastCount,
  BroadcastCounts,
  FollowingStore,
  MessageStatus,
  RecalledMessage,
  TokenId,
} from '../contract.ts'
import { entryOf } from '../message.ts'
import { countBroadcasts } from './broadcast-counts.ts'
import { OVERHEAD_BYTES } from './engine.ts'
import {
  broadcastPlaceOf,
  countsAt,
  find,
  type MessageSource,
  placeOf,
  recall,
  recallBroadcast,
  search,
  statusOf,
} from './following.ts'
import { Listening } from './listening.ts'
import { receiver } from './messages.ts'
import { LevelRegistry } from './registry-store.ts'
import { honoured, seenBy } from './tokens.ts'
import type { Transaction } from './transaction.ts'

type Searched = Awaited<ReturnType<typeof search>>

export class LevelFollowing extends LevelRegistry implements FollowingStore {
  readonly #followers = new Listening()
  /** What was handed out could not be noted. */
  #seenInDoubt = false

  /** There is one process, and its watchers hear of every append. */
  async follow(tokenId: TokenId): Promise<() => void> {
    this.mustBeOpen()
    return this.#followers.add(tokenId)
  }

  async messageStatus(tokenId: TokenId, id: string): Promise<MessageStatus | undefined> {
    this.mustBeOpen()
    const source = this.#onDisk()
    const searched = await search(this.database, source, placeOf(source, tokenId), id)
    const place = placeOf(source, tokenId)
    const found = place && find(source, place, id, searched)
    return found && statusOf(found)
  }

  async broadcastStatus(app: string, id: string): Promise<(MessageStatus & BroadcastCounts) | undefined> {
    this.mustBeOpen()
    const source = this.#onDisk()
    const searched = await search(this.database, source, broadcastPlaceOf(source, app), id)
    const found = find(source, broadcastPlaceOf(source, app), id, searched)
    return found && { ...statusOf(found), ...countsAt(source, app, found.offset) }
  }

  async recall(tokenId: TokenId, id: string): Promise<RecalledMessage | undefined> {
    let searched: Searched
    const recalled = await this.change((transaction) => recall(transaction, tokenId, id, searched), {
      prepare: async (transaction) => {
        searched = await search(this.database, transaction, placeOf(transaction, tokenId), id)
      },
    })
    return recalled && this.#seenInDoubt ? { ...recalled, mayHaveBeenSeen: true } : recalled
  }

  async recallBroadcast(app: string, id: string): Promise<RecalledMessage | undefined> {
    let searched: Searched
    return await this.change((transaction) => recallBroadcast(transaction, app, id, searched), {
      prepare: async (transaction) => {
        searched = await search(this.database, transaction, broadcastPlaceOf(transaction, app), id)
        await transaction.prepareRetained(app)
      },
    })
  }

  async countBroadcasts(counts: readonly BroadcastCount[]): Promise<void> {
    if (counts.length === 0) return
    const bytes = counts.length * OVERHEAD_BYTES
    await this.change((transaction) => countBroadcasts(transaction, counts), { synced: false, bytes })
  }

  async tellPrivate(told: Parameters<FollowingStore['tellPrivate']>[0]): Promise<boolean> {
    const { tokenId, message } = told
    const tell = (transaction: Transaction): boolean => {
      const isThere = this.#isThere(transaction, told)
      const entry = entryOf(message, 0)
      if (isThere) transaction.tell((watcher) => watcher.privateAppended(tokenId, 0, entry))
      return isThere
    }
    // It writes nothing, and keeps its place among what is written.
    return await this.change(tell, { synced: false, bytes: message.payload.byteLength })
  }

  /** @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED */
  #isThere(transaction: Transaction, told: Parameters<FollowingStore['tellPrivate']>[0]): boolean {
    const { session } = receiver(transaction, told)
    if (told.generation !== undefined) honoured(transaction.token(told.tokenId), told.app, told.generation)
    // What an earlier run of the process held, nobody holds.
    const isHeld = session?.held === true && session.run === this.durable.runs.current
    return isHeld || this.#followers.has(told.tokenId)
  }

  async tellBroadcast({ app, selector, message }: Parameters<FollowingStore['tellBroadcast']>[0]): Promise<void> {
    const entry = { ...entryOf(message, 0), selector }
    await this.change((transaction) => transaction.tell((watcher) => watcher.broadcastAppended(app, 0, entry)), {
      synced: false,
      bytes: message.payload.byteLength,
    })
  }

  /** Everything up to this offset reaches the device. Read without the disk, it is in doubt rather than refused. */
  protected async handedOut(tokenId: TokenId, through: number): Promise<void> {
    const isNoted = (token: Parameters<typeof seenBy>[0] | undefined) => token === undefined || seenBy(token) >= through
    if (isNoted(this.durable.token(tokenId))) return
    const note = (transaction: Transaction): void => {
      const token = transaction.token(tokenId)
      if (token !== undefined && !isNoted(token)) transaction.draft(tokenId, token).seen = through
    }
    try {
      await this.change(note, { synced: false })
    } catch {
      this.#seenInDoubt = true
    }
  }

  /** As it is by the time that it is asked. */
  #onDisk(): MessageSource {
    const { database, durable } = this
    return {
      now: this.now(),
      get: (key) => database.get(key),
      entryHead: (key) => durable.entryHead(key, key.toString('latin1')),
      token: (id) => durable.token(id),
      app: (name) => durable.app(name),
    }
  }
}
