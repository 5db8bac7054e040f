/** The store contract as plainly as it can be said: everything in memory, every question answered by looking at all of it. */
import { PushError } from '../../../errors.ts'
import type {
  Appended,
  BroadcastAppend,
  BroadcastEntry,
  Commit,
  Cursors,
  DeviceHeld,
  LogEntry,
  Missed,
  OpenedSession,
  OpenSessionRequest,
  PrivateAppend,
  RegisteredToken,
  Registering,
  Revocation,
  SessionClose,
  StoreLimits,
  TokenDetails,
  TokenId,
  TokenRecord,
  TokenRegistration,
} from '../../../store/contract.ts'
import { NO_DETAILS } from '../../../store/details.ts'
import { fingerprintOf } from '../../../store/message.ts'
import { encodeSelector, type Epochs, Selections } from '../../../topics/index.ts'

interface Remembered {
  readonly offset: number
  readonly until: number
  readonly expiresAt: number
  readonly fingerprint: Buffer
}

class ModelLog<E extends LogEntry> {
  entries: E[] = []
  last = 0
  missed: Missed | undefined
  readonly ids = new Map<string, Remembered>()
}

interface ModelSession {
  held: boolean
  unclean: boolean
  state: Uint8Array | undefined
  until: number
}

interface ModelToken {
  readonly app: string
  readonly deviceMark: string
  generation: number
  revoked: boolean
  expiresAt: number
  details: TokenDetails
  lastSeen: number
  readonly cursors: { private: number; broadcast: number }
  readonly log: ModelLog<LogEntry>
  retained: LogEntry | undefined
  epoch: number
  session: ModelSession | undefined
}

interface ModelApp {
  readonly log: ModelLog<BroadcastEntry>
  readonly retained: BroadcastEntry[]
}

export class Model {
  readonly counts = { expired: { private: 0, broadcast: 0 }, dropped: { private: 0, broadcast: 0 } }
  readonly tokens = new Map<TokenId, ModelToken>()
  readonly #apps = new Map<string, ModelApp>()
  readonly #current = new Map<string, TokenId>()
  readonly #selections = new Selections()
  readonly #limits: StoreLimits
  readonly #now: () => number

  constructor(limits: StoreLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  registerToken(
    { tokenId, app, deviceMark, expiresAt, details }: TokenRegistration,
    registering: Registering = { kind: 'always' },
  ): RegisteredToken | DeviceHeld {
    const known = this.tokens.get(tokenId)
    if (registering.kind === 'renewal') this.#honoured(tokenId, registering.generation)
    const place = JSON.stringify([app, deviceMark])
    const previous = this.#current.get(place)
    if (registering.kind === 'free' && previous !== undefined && previous !== tokenId) {
      const heldBy = this.#holder(previous)
      const { holder } = registering
      if (heldBy !== undefined && (heldBy.tokenId !== holder?.tokenId || heldBy.generation !== holder.generation))
        return { heldBy }
    }
    const token: ModelToken = known ?? {
      app,
      deviceMark,
      generation: 1,
      revoked: false,
      expiresAt: 0,
      details: NO_DETAILS,
      lastSeen: 0,
      cursors: { private: 0, broadcast: this.app(app).log.last },
      log: new ModelLog<LogEntry>(),
      retained: undefined,
      epoch: 0,
      session: undefined,
    }
    const epochs = later(token.details.epochs, details?.epochs)
    const isLater =
      registering.kind !== 'renewal' && epochs.some((epoch, at) => epoch > (token.details.epochs[at] ?? 0))
    const isBack = known !== undefined && (previous !== tokenId || isLater)
    this.tokens.set(tokenId, token)
    token.revoked = false
    token.expiresAt = Math.max(token.expiresAt, expiresAt)
    token.details = { ...token.details, ...details, epochs }
    token.lastSeen = this.#second()
    if (isBack) token.generation += 1
    if (registering.kind === 'renewal') token.generation = Math.max(token.generation, registering.generation)
    this.#current.set(place, tokenId)
    const registered = { generation: token.generation, details: token.details }
    if (previous === undefined || previous === tokenId) return registered
    this.#end(previous)
    return { ...registered, switchedFrom: previous }
  }

  #holder(tokenId: TokenId): DeviceHeld['heldBy'] | undefined {
    const token = this.tokens.get(tokenId)
    if (token === undefined || token.revoked || token.expiresAt + this.#limits.deviceHoldMs <= this.#now())
      return undefined
    return { tokenId, generation: token.generation, details: token.details }
  }

  #honoured(tokenId: TokenId, generation: number): ModelToken {
    const token = this.tokens.get(tokenId)
    if (token === undefined) throw new PushError('TOKEN_UNKNOWN')
    if (token.revoked || generation < token.generation) throw new PushError('TOKEN_REVOKED')
    if (!this.#isCurrent(tokenId, token)) throw new PushError('TOKEN_SUPERSEDED')
    return token
  }

  #second(): number {
    return Math.floor(this.#now() / 1000) * 1000
  }

  revokeToken(tokenId: TokenId, { generation, purge }: Revocation = {}): boolean {
    if (generation !== undefined) this.#honoured(tokenId, generation)
    const token = this.tokens.get(tokenId)
    if (token === undefined) return false
    if (!token.revoked) token.generation += 1
    token.revoked = true
    this.#end(tokenId)
    if (purge !== true) return true
    token.log.entries = []
    token.log.missed = undefined
    token.retained = undefined
    token.cursors.private = token.log.last
    token.cursors.broadcast = this.app(token.app).log.last
    return true
  }

  lookupToken(tokenId: TokenId): TokenRecord | undefined {
    const token = this.tokens.get(tokenId)
    if (token === undefined) return undefined
    const { app, generation, revoked, cursors, expiresAt, details, lastSeen } = token
    const current = this.#isCurrent(tokenId, token)
    return { app, generation, revoked, current, cursors: { ...cursors }, expiresAt, details, lastSeen }
  }

  append({ tokenId, message, dedupe, onlyCurrent }: PrivateAppend): Appended {
    const token = this.tokens.get(tokenId)
    if (token === undefined) throw new PushError('TOKEN_UNKNOWN')
    if (token.revoked) throw new PushError('TOKEN_REVOKED')
    if (onlyCurrent === true && !this.#isCurrent(tokenId, token)) throw new PushError('TOKEN_SUPERSEDED')
    const { privateMessages, privateBytes } = this.#limits
    const room = { messages: privateMessages, bytes: privateBytes }
    const entry = { ...message, offset: token.log.last + 1, ...(dedupe ? { isFollowed: true } : {}) }
    const before = token.log.entries
    const appended = this.#append('private', token.log, entry, dedupe, room)
    if (appended.dropped > 0) {
      const count = (token.log.missed?.count ?? 0) + appended.dropped
      const gone = before.filter(
        ({ offset, expiresAt }) => expiresAt > this.#now() && !token.log.entries.some((each) => each.offset === offset),
      )
      token.log.missed = { count, through: Math.max(token.cursors.private, gone.at(-1)?.offset ?? 0) }
    }
    if (message.retain && !appended.duplicate) token.retained = message.payload.length === 0 ? undefined : entry
    return appended
  }

  appendBroadcast({ app: name, selector, message, dedupe }: BroadcastAppend): Appended {
    const app = this.app(name)
    const { broadcastMessages, broadcastBytes } = this.#limits
    const room = { messages: broadcastMessages, bytes: broadcastBytes }
    const entry = { ...message, selector, offset: app.log.last + 1, ...(dedupe ? { isFollowed: true } : {}) }
    const appended = this.#append('broadcast', app.log, entry, dedupe, room, encodeSelector(selector))
    if (message.retain && !appended.duplicate) app.retained.push(entry)
    return appended
  }

  /** What is not expired, after the cursor. */
  readPrivate(tokenId: TokenId): { entries: readonly LogEntry[] } {
    return { entries: this.#live(this.tokens.get(tokenId)?.log.entries ?? []) }
  }

  readBroadcast(name: string): { entries: readonly BroadcastEntry[] } {
    return { entries: this.#live(this.app(name).log.entries) }
  }

  retainedPrivate(tokenId: TokenId): LogEntry | undefined {
    return this.#live([this.tokens.get(tokenId)?.retained].filter((entry) => entry !== undefined))[0]
  }

  retainedBroadcast(name: string, version: string, tags: readonly string[]): BroadcastEntry | undefined {
    const last = this.app(name).retained.findLast(({ selector }) => this.#selections.selects(selector, version, tags))
    return last === undefined || last.payload.length === 0 ? undefined : this.#live([last])[0]
  }

  commit(commits: readonly Commit[]): readonly Commit[] {
    return commits.filter(({ tokenId, epoch, private: own = 0, broadcast = 0 }) => {
      const token = this.tokens.get(tokenId)
      if (token === undefined) return false
      if (epoch !== undefined && epoch < token.epoch) return true
      token.cursors.private = Math.max(token.cursors.private, Math.min(own, token.log.last))
      token.cursors.broadcast = Math.max(token.cursors.broadcast, Math.min(broadcast, this.app(token.app).log.last))
      token.log.entries = token.log.entries.filter(({ offset }) => offset > token.cursors.private)
      if (token.cursors.private > (token.log.missed?.through ?? Infinity)) token.log.missed = undefined
      return false
    })
  }

  openSession({ tokenId, generation, cleanStart }: OpenSessionRequest): OpenedSession {
    const token = this.#honoured(tokenId, generation)
    const previous = token.session
    const resumed = previous !== undefined && this.#lives(previous) && !cleanStart ? previous : undefined
    token.epoch += 1
    token.lastSeen = this.#second()
    const { tags } = token.details
    token.session = { held: true, unclean: false, state: resumed?.state, until: Infinity }
    const cursors: Cursors = { ...token.cursors }
    return {
      epoch: token.epoch,
      ...(resumed?.state === undefined ? {} : { state: resumed.state }),
      unclean: resumed !== undefined && (resumed.held || resumed.unclean),
      cursors,
      privateEnd: token.log.last,
      ...(token.log.missed === undefined ? {} : { missed: token.log.missed }),
      ...(tags.length > 0 ? { tags } : {}),
    }
  }

  saveSession(tokenId: TokenId, epoch: number, state: Uint8Array): void {
    const token = this.tokens.get(tokenId)
    if (token?.epoch !== epoch || token.session?.held !== true) throw new PushError('SESSION_TAKEN_OVER')
    token.session.state = state
  }

  closeSession(tokenId: TokenId, epoch: number, { state, stateExpiresAt }: SessionClose): void {
    const token = this.tokens.get(tokenId)
    if (token?.epoch !== epoch || token.session === undefined || !this.#lives(token.session)) return
    token.lastSeen = this.#second()
    token.session = state === undefined ? undefined : { held: false, unclean: false, state, until: stateExpiresAt }
  }

  #lives({ held, unclean, until }: ModelSession): boolean {
    return held || unclean || until > this.#now()
  }

  sweep(): void {
    for (const { log } of this.tokens.values()) this.#expire('private', log)
    for (const { log } of this.#apps.values()) this.#expire('broadcast', log)
  }

  app(name: string): ModelApp {
    const app = this.#apps.get(name) ?? { log: new ModelLog<BroadcastEntry>(), retained: [] }
    this.#apps.set(name, app)
    return app
  }

  #append<E extends LogEntry>(
    kind: 'private' | 'broadcast',
    log: ModelLog<E>,
    entry: E,
    dedupe: boolean,
    room: { messages: number; bytes: number },
    selector = '',
  ): Appended {
    const now = this.#now()
    const first = dedupe ? log.ids.get(entry.id) : undefined
    const fingerprint = fingerprintOf(entry, selector)
    if (first !== undefined && first.until > now) {
      if (!fingerprint.equals(first.fingerprint)) throw new PushError('ID_REUSED')
      return { offset: first.offset, duplicate: true, dropped: 0, expiresAt: first.expiresAt }
    }
    let dropped = 0
    const bytes = () => log.entries.reduce((sum, { payload }) => sum + payload.length, 0)
    while (log.entries.length >= room.messages || bytes() + entry.payload.length > room.bytes) {
      const [oldest] = log.entries
      if (oldest === undefined) break
      log.entries = log.entries.slice(1)
      if (oldest.expiresAt > now) dropped += 1
      else this.counts.expired[kind] += 1
    }
    this.counts.dropped[kind] += dropped
    log.entries = [...log.entries, entry]
    log.last = entry.offset
    const until = Math.max(now + this.#limits.dedupeMs, entry.expiresAt)
    const { offset, expiresAt } = entry
    if (dedupe) log.ids.set(entry.id, { offset, until, expiresAt, fingerprint })
    return { offset, duplicate: false, dropped, expiresAt }
  }

  #expire<E extends LogEntry>(kind: 'private' | 'broadcast', log: ModelLog<E>): void {
    const before = log.entries.length
    log.entries = this.#live(log.entries)
    this.counts.expired[kind] += before - log.entries.length
  }

  #live<E extends LogEntry>(entries: readonly E[]): E[] {
    return entries.filter(({ expiresAt }) => expiresAt > this.#now())
  }

  #isCurrent(tokenId: TokenId, { app, deviceMark }: ModelToken): boolean {
    return this.#current.get(JSON.stringify([app, deviceMark])) === tokenId
  }

  #end(tokenId: TokenId): void {
    const session = this.tokens.get(tokenId)?.session
    if (session?.held !== true) return
    session.held = false
    session.unclean = true
  }
}

function later([app, account]: Epochs, [otherApp, otherAccount]: Epochs = [0, 0]): Epochs {
  return [Math.max(app, otherApp), Math.max(account, otherAccount)]
}
