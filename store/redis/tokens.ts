/** Private logs of token ids with their cursors, and the sessions of devices. */
import { PushError } from '../../errors.ts'
import {
  type Appended,
  type Commit,
  ENDS,
  type LogEntry,
  type LogSlice,
  type OpenedSession,
  type OpenSessionRequest,
  type PrivateAppend,
  type ReadLimit,
  type SessionClose,
  type SessionEnd,
  type StoreObserver,
  type TokenId,
  type WebPushAppend,
} from '../contract.ts'
import { entryOf, fingerprintOf } from '../message.ts'
import type { Broadcasts } from './broadcasts.ts'
import { asTime, decodeEntry, encodeEntry } from './entry.ts'
import { asDetails } from './details.ts'
import type { Events } from './events.ts'
import type { Lanes } from './lanes.ts'
import { asCursors, encodeChange } from './marks.ts'
import type { OpenSessions } from './open-sessions.ts'
import { orWhenUnknown, type Registry } from './registry.ts'
import * as steps from './steps.ts'
import { asBytes, asMissed, asNumber, asOptionalBytes, asOptionalNumber, asPrivateSlice } from './steps.ts'
import type { Location } from './token.ts'
import { type Unclosed, UnclosedSessions } from './unclosed.ts'

interface TokensOptions {
  readonly lanes: Lanes
  readonly events: Events
  readonly broadcasts: Broadcasts
  readonly registry: Registry
  readonly sessions: OpenSessions
  readonly locate: (tokenId: TokenId) => Location
  /** This node has ended a session that it holds. */
  readonly sessionEnded: (tokenId: TokenId, epoch: number, reason: SessionEnd) => void
  readonly now: () => number
  readonly observer: StoreObserver | undefined
}

export class Tokens {
  readonly #options: TokensOptions
  readonly #unclosed = new UnclosedSessions((tokenId, unclosed) => this.#close(tokenId, unclosed))

  constructor(options: TokensOptions) {
    this.#options = options
  }

  // Logs

  async append({ tokenId, app, message, dedupe, onlyCurrent = false, fingerprint }: PrivateAppend): Promise<Appended> {
    const { base, id } = this.#options.locate(tokenId)
    const result = await this.#options.lanes.run(
      steps.APPEND,
      base,
      id,
      app ?? '',
      onlyCurrent,
      encodeEntry(message, dedupe),
      dedupe ? (fingerprint ?? fingerprintOf(message)) : false,
    )
    const offset = asNumber(result[0])
    if (offset === 0) throw new PushError('ID_REUSED')
    if (result[1] === true) return { offset, duplicate: true, expiresAt: asNumber(result[3]), dropped: 0 }
    const dropped = asNumber(result[2])
    const expired = asNumber(result[3])
    if (dropped > 0) this.#options.observer?.dropped('private', dropped)
    if (expired > 0) this.#options.observer?.expired('private', expired)
    if (result[4] === true) this.#options.events.privateAppended(tokenId, offset, entryOf(message, offset, dedupe))
    return { offset, duplicate: false, expiresAt: message.expiresAt, dropped }
  }

  async appendWebPush({ tokenId, generation, message }: WebPushAppend): Promise<Appended> {
    const { base, id } = this.#options.locate(tokenId)
    const result = await this.#options.lanes.run(steps.APPEND_WEB_PUSH, base, id, generation, encodeEntry(message))
    // Nothing goes for it, and it is no duplicate.
    const [here, first] = result
    const offset = asNumber(first)
    if (here === true) this.#options.events.privateAppended(tokenId, offset, entryOf(message, offset))
    return { offset, duplicate: false, expiresAt: message.expiresAt, dropped: 0 }
  }

  async read(tokenId: TokenId, after: number, limit: ReadLimit, handsOut: boolean): Promise<LogSlice<LogEntry>> {
    return await orWhenUnknown({ entries: [], readTo: 0, end: 0 }, async () => {
      const { base, id } = this.#options.locate(tokenId)
      const { entries, bytes } = limit
      const result = await this.#options.lanes.run(steps.READ, base, id, after, entries, bytes, handsOut)
      return asPrivateSlice(result, decodeEntry)
    })
  }

  async retained(tokenId: TokenId): Promise<LogEntry | undefined> {
    return await orWhenUnknown(undefined, async () => {
      const { base, id } = this.#options.locate(tokenId)
      const result = await this.#options.lanes.run(steps.RETAINED, base, id)
      if (result.length === 0) return undefined
      const entry = decodeEntry(asNumber(result[0]), asBytes(result[1]))
      return entry.expiresAt > this.#options.now() ? entry : undefined
    })
  }

  async commit(commits: readonly Commit[]): Promise<readonly Commit[]> {
    const refused = await Promise.all(commits.map((commit) => orWhenUnknown(false, () => this.#commitOne(commit))))
    return commits.filter((_, position) => refused[position])
  }

  /** True if it was refused. */
  async #commitOne(commit: Commit): Promise<boolean> {
    const { tokenId, epoch = 0, private: offset = 0, broadcast = 0 } = commit
    const { base, id } = this.#options.locate(tokenId)
    const cut = broadcast > 0 ? await this.#cutBroadcast(tokenId, broadcast) : 0
    const change = encodeChange(commit.passed === undefined ? commit : await this.#cutPassed(commit, commit.passed))
    const result = await this.#options.lanes.run(steps.COMMIT, base, id, epoch, offset, cut, change, ...ended(commit))
    if (result[1] === true) this.#options.events.cursorMoved(tokenId, asCursors(result[2], result[3], result[4]))
    return result[0] === true
  }

  async #cutPassed(commit: Commit, passed: NonNullable<Commit['passed']>): Promise<Commit> {
    const most = await this.#cutBroadcast(commit.tokenId, Math.max(0, ...passed.map(([, offset]) => offset)))
    return { ...commit, passed: passed.map(([version, offset]) => [version, Math.min(offset, most)] as const) }
  }

  /** The broadcast log is in another slot than the token, so that its end is checked here. */
  #cutBroadcast(tokenId: TokenId, cursor: number): Promise<number> | number {
    const app = this.#options.sessions.appOf(tokenId)
    return app === undefined ? this.#cutUnknownApp(tokenId, cursor) : this.#options.broadcasts.cut(app, cursor)
  }

  async #cutUnknownApp(tokenId: TokenId, cursor: number): Promise<number> {
    const token = await this.#options.registry.lookupToken(tokenId)
    return token === undefined ? 0 : await this.#options.broadcasts.cut(token.app, cursor)
  }

  // Sessions

  async openSession({ tokenId, app, generation, cleanStart }: OpenSessionRequest): Promise<OpenedSession> {
    const { base, id } = this.#options.locate(tokenId)
    const result = await this.#options.lanes.run(steps.OPEN, base, id, app, generation, cleanStart)
    const epoch = asNumber(result[0])
    const state = asOptionalBytes(result[1])
    const ended = asOptionalNumber(result[6])
    const will = asOptionalBytes(result[8])
    const { tags } = asDetails(result[9])
    const missed = asMissed(result[10])
    if (ended !== undefined) this.#options.sessionEnded(tokenId, ended, 'SESSION_TAKEN_OVER')
    this.#unclosed.opened(tokenId)
    this.#options.sessions.opened(tokenId, { epoch, app, generation })
    return {
      epoch,
      ...(state === undefined ? {} : { state }),
      unclean: result[2] === true,
      ...(will === undefined ? {} : { will }),
      cursors: asCursors(result[3], result[4], result[7]),
      privateEnd: asNumber(result[5]),
      ...(missed === undefined ? {} : { missed }),
      ...(tags.length > 0 ? { tags } : {}),
    }
  }

  async saveSession(tokenId: TokenId, epoch: number, state: Uint8Array): Promise<void> {
    const { base, id } = this.#options.locate(tokenId)
    await this.#options.lanes.run(steps.SAVE, base, id, epoch, state)
  }

  async closeSession(tokenId: TokenId, epoch: number, close: SessionClose): Promise<void> {
    this.#options.sessions.forget(tokenId, epoch)
    await this.#unclosed.close(tokenId, { epoch, close })
  }

  /** What Redis did not answer. Rejects when it does not answer still. */
  closeAgain(): Promise<void> {
    return this.#unclosed.tryAgain()
  }

  async #close(tokenId: TokenId, { epoch, close }: Unclosed): Promise<void> {
    const { base, id } = this.#options.locate(tokenId)
    // 0 is never, for a session that ends too.
    const never = close.state === undefined || close.stateExpiresAt === Infinity
    const expires = never ? 0 : Math.max(1, asTime(close.stateExpiresAt))
    const { state = false, will } = close
    const kept = will === undefined ? [false, false] : [asTime(will.publishAt), will.value]
    const [due] = await this.#options.lanes.run(steps.CLOSE, base, id, epoch, state, expires, ...kept)
    if (typeof due === 'number') this.#options.events.willDue({ tokenId }, due)
  }
}

const NOTHING: readonly number[] = []

/** { offset, a number of ENDS, ... } */
function ended({ passedAs }: Commit): readonly number[] {
  return passedAs === undefined ? NOTHING : passedAs.flatMap(([offset, as]) => [offset, 1 + ENDS.indexOf(as)])
}
