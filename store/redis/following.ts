/** Status and recall of messages in private and broadcast logs. The steps are in `lua/following.lua`. */
import type {
  BroadcastCount,
  BroadcastCounts,
  FollowingStore,
  MessageState,
  MessageStatus,
  RecalledMessage,
  TokenId,
} from '../contract.ts'
import { entryOf } from '../message.ts'
import { encodeEntry } from './entry.ts'
import type { Events } from './events.ts'
import { broadcastBase } from './keys.ts'
import type { Lanes, Result, StepKind } from './lanes.ts'
import type { Packable } from './pack.ts'
import { orWhenUnknown } from './registry.ts'
import {
  asNumber,
  asText,
  BROADCAST_STATUS,
  COUNT_BROADCASTS,
  MESSAGE_STATUS,
  RECALL,
  RECALL_BROADCAST,
  TELL_BROADCAST,
  TELL_PRIVATE,
} from './steps.ts'
import type { Location } from './token.ts'
import { unavailable } from './script.ts'

interface FollowingOptions {
  readonly lanes: Lanes
  readonly events: Events
  readonly prefix: string
  readonly locate: (tokenId: TokenId) => Location
}

const STATES: Readonly<Record<MessageState, true>> = {
  pending: true,
  acknowledged: true,
  sent: true,
  expired: true,
  dropped: true,
  replaced: true,
  recalled: true,
  purged: true,
}

export class Following implements FollowingStore {
  readonly #options: FollowingOptions

  constructor(options: FollowingOptions) {
    this.#options = options
  }

  async messageStatus(tokenId: TokenId, id: string): Promise<MessageStatus | undefined> {
    const result = await this.#ofToken(MESSAGE_STATUS, tokenId, id)
    return result && asStatus(result)
  }

  async broadcastStatus(app: string, id: string): Promise<(MessageStatus & BroadcastCounts) | undefined> {
    const result = await this.#search(BROADCAST_STATUS, this.#base(app), id)
    return result && { ...asStatus(result), acknowledged: asNumber(result[3]), sent: asNumber(result[4]) }
  }

  async recall(tokenId: TokenId, id: string): Promise<RecalledMessage | undefined> {
    const result = await this.#ofToken(RECALL, tokenId, id)
    return result && { ...asStatus(result), mayHaveBeenSeen: result[3] === true }
  }

  async recallBroadcast(app: string, id: string): Promise<RecalledMessage | undefined> {
    const result = await this.#search(RECALL_BROADCAST, this.#base(app), app, id)
    return result && { ...asStatus(result), mayHaveBeenSeen: result[3] === true }
  }

  async countBroadcasts(counts: readonly BroadcastCount[]): Promise<void> {
    const byApp = new Map<string, number[]>()
    for (const { app, offset, acknowledged, sent } of counts) {
      const told = byApp.get(app) ?? []
      byApp.set(app, told)
      told.push(offset, acknowledged, sent)
    }
    const { lanes } = this.#options
    const work: Promise<unknown>[] = []
    for (const [app, told] of byApp) {
      for (let from = 0; from < told.length; from += TOGETHER)
        work.push(lanes.run(COUNT_BROADCASTS, this.#base(app), ...told.slice(from, from + TOGETHER)))
    }
    await Promise.all(work)
  }

  async tellPrivate(told: Parameters<FollowingStore['tellPrivate']>[0]): Promise<boolean> {
    const { lanes, locate, events } = this.#options
    const { tokenId, app = '', message, onlyCurrent = false, generation = false } = told
    const { base, id } = locate(tokenId)
    const entry = encodeEntry(message)
    const [isTold, here] = await lanes.run(TELL_PRIVATE, base, id, app, onlyCurrent, entry, generation)
    if (here === true) events.privateAppended(tokenId, 0, entryOf(message, 0))
    return isTold === true
  }

  async tellBroadcast({ app, selector, message }: Parameters<FollowingStore['tellBroadcast']>[0]): Promise<void> {
    await this.#options.lanes.run(TELL_BROADCAST, this.#base(app), app, encodeEntry(message, false, selector))
  }

  async #ofToken(kind: StepKind, tokenId: TokenId, id: string): Promise<Result | undefined> {
    return await orWhenUnknown(undefined, async () => {
      const location = this.#options.locate(tokenId)
      return await this.#search(kind, location.base, location.id, id)
    })
  }

  /** An id that is not remembered is looked for in what is pending, a portion a step, so that no step takes long. */
  async #search(kind: StepKind, base: string, ...told: readonly Packable[]): Promise<Result | undefined> {
    for (let from = 0; ; ) {
      const result = await this.#options.lanes.run(kind, base, ...told, from)
      if (result.length === 0) return undefined
      if (result.length > 1) return result
      from = asNumber(result[0])
    }
  }

  #base(app: string): string {
    return broadcastBase(this.#options.prefix, app)
  }
}

/** Three numbers for each broadcast. */
const TOGETHER = 3 * 256

function isState(text: string): text is MessageState {
  return Object.hasOwn(STATES, text)
}

function asStatus(result: Result): MessageStatus {
  const state = asText(result[0])
  if (!isState(state)) throw unavailable(`the script told of a message that is ${state}`)
  return { state, storedAt: asNumber(result[1]), expiresAt: asNumber(result[2]) }
}
