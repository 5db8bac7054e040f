/** The store on Redis: many nodes, one truth. */
import { randomBytes, randomInt } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import { LRUCache } from 'lru-cache'
import { type ErrorCode, PushError } from '../../errors.ts'
import type {
  Appended,
  BroadcastAppend,
  BroadcastEntry,
  Claim,
  Commit,
  KnownToken,
  LogEntry,
  LogSlice,
  OpenedNamedSession,
  OpenedSession,
  OpenSessionRequest,
  Part,
  PrivateAppend,
  ReaderMove,
  ReaderOpen,
  ReaderPart,
  ReadLimit,
  RegisteredToken,
  RestoredToken,
  RetainedBroadcast,
  SessionClose,
  SessionEnd,
  Store,
  StoreHealth,
  StoreLimits,
  StoreOptions,
  TokenId,
  TokenRecord,
  TokenRegistration,
  UpstreamAppend,
  UpstreamAppended,
  UpstreamEntry,
  Watcher,
} from '../contract.ts'
import { DEFAULT_LIMITS, type Limits } from '../../common/limits.ts'
import { entryOf } from '../message.ts'
import { type Address, parseAddress } from './address.ts'
import { Broadcasts } from './broadcasts.ts'
import type { ConnectionSettings } from './client.ts'
import { type Client, connectClient, createClient, createSubscriber, unlessRefused } from './connection.ts'
import { asTime, decodeEntry, encodeEntry } from './entry.ts'
import { Events, hear, packProbe, tokenIdOf } from './events.ts'
import { Follows } from './follows.ts'
import { Health } from './health.ts'
import { channel, isKeyPrefix, laneJournalKey, PARTITIONS, partitionBase, probeKey, serverJournalKey } from './keys.ts'
import { knownApps, knownTokens } from './inventory.ts'
import { Lanes } from './lanes.ts'
import { Listeners } from './listeners.ts'
import { asCursors, encodeChange, encodeMarks } from './marks.ts'
import { NamedSessions } from './named.ts'
import { Readers } from './readers.ts'
import { Recovery } from './recovery.ts'
import { Replication } from './replication.ts'
import { RedisSecrets } from './secrets.ts'
import { OpenSessions } from './open-sessions.ts'
import * as steps from './steps.ts'
import { asBytes, asNumber, asOptionalBytes, asOptionalNumber, asSlice, asTokenRecord } from './steps.ts'
import { Sweeper } from './sweeper.ts'
import { type Location, locate, markBytes, partitionOf } from './token.ts'
import { type ClaimOwner, partLimits, Upstream } from './upstream.ts'
import { Wakes } from './wakes.ts'

type RedisLimits = StoreLimits &
  Pick<Limits, 'redisCalls' | 'redisBytes' | 'redisTimeoutMs' | 'redisOpenMs' | 'redisProbeMs'>

export interface RedisStoreOptions extends StoreOptions {
  /** See `address.ts` for the forms. */
  readonly url: string
  /** Installations that share one Redis have different ones. */
  readonly prefix?: string
  /** The name that other nodes wake this one by; random by default, and it must differ between processes. */
  readonly node?: string
  /**
   * So many replicas have to have what is accepted before it is answered, so that a failover to one of them
   * does not lose it. Not in a Cluster.
   */
  readonly replicas?: number
  /** For `rediss:`; what Node trusts by default. */
  readonly tls?: ConnectionOptions
  readonly limits?: Partial<RedisLimits>
  /** 8 characters, another each time; a test may replace it. */
  readonly randomName?: () => string
}

const NAME_BYTES = 6
const MOST = 2 ** 48
const LOCATIONS = 20_000
/** WAIT gives up so many times within a deadline, and is asked again: a connection that says nothing is taken for dead. */
const WAITS = 4

export function openRedisStore(options: RedisStoreOptions): Store {
  return new RedisStore(options)
}

class RedisStore implements Store {
  readonly #prefix: string
  readonly #locations = new LRUCache<TokenId, Location>({ max: LOCATIONS })
  readonly #node: string
  readonly #address: Address
  readonly #settings: ConnectionSettings
  readonly #options: RedisStoreOptions
  readonly #limits: RedisLimits
  readonly #now: () => number
  readonly #events: Events
  readonly #client: Client
  readonly #replication: Replication | undefined
  readonly #lanes: Lanes
  readonly #wakes: Wakes
  readonly #broadcasts: Broadcasts
  readonly #sessions: OpenSessions
  readonly #named: NamedSessions
  readonly #follows: Follows
  readonly #listeners: Listeners
  readonly #readers: Readers
  readonly #upstream: Upstream
  readonly #sweeper: Sweeper
  readonly #health: Health
  readonly #secrets: RedisSecrets
  readonly #recovery: Recovery
  #connections = 0

  constructor(options: RedisStoreOptions) {
    const randomName = options.randomName ?? (() => randomBytes(NAME_BYTES).toString('base64url'))
    this.#options = options
    this.#events = new Events(options.observer)
    this.#prefix = options.prefix ?? 'push'
    if (!isKeyPrefix(this.#prefix)) throw new TypeError('a key prefix is 1 to 64 letters, digits, `_`, `.`, `:` or `-`')
    this.#node = options.node ?? randomName()
    this.#address = parseAddress(options.url)
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#now = options.now ?? Date.now
    this.#settings = { address: this.#address, deadlineMs: this.#limits.redisTimeoutMs, tls: options.tls }
    this.#client = createClient(this.#settings)
    this.#client.on('ready', () => {
      this.#connections += 1
    })
    this.#replication = this.#createReplication(options.replicas ?? 0)
    this.#lanes = this.#createLanes(randomName())
    this.#sessions = new OpenSessions({
      lanes: this.#lanes,
      prefix: this.#prefix,
      ended: this.#sessionEnded,
      grown: (tokenId, offset) => this.#events.privateAppended(tokenId, offset),
      cursorsLost: (tokenId) => this.#events.cursorsLost(tokenId),
    })
    this.#named = new NamedSessions({ lanes: this.#lanes, events: this.#events, prefix: this.#prefix })
    this.#wakes = this.#createWakes()
    const shared = {
      lanes: this.#lanes,
      client: this.#client,
      prefix: this.#prefix,
      now: this.#now,
      observer: options.observer,
    }
    this.#broadcasts = new Broadcasts(shared)
    this.#follows = new Follows(shared)
    this.#listeners = new Listeners(shared)
    this.#readers = new Readers(shared)
    this.#upstream = new Upstream({
      ...shared,
      locate: (tokenId) => this.#locate(tokenId),
      events: this.#events,
      listeners: this.#listeners,
    })
    this.#sweeper = new Sweeper({ ...shared, sweepMs: this.#limits.sweepMs })
    this.#secrets = new RedisSecrets(shared)
    this.#recovery = new Recovery({
      events: this.#events,
      broadcasts: this.#broadcasts,
      secrets: this.#secrets,
      follows: this.#follows,
      listeners: this.#listeners,
      readers: this.#readers,
      sessions: this.#sessions,
      named: this.#named,
      observer: options.observer,
      lookMs: this.#limits.redisProbeMs,
    })
    this.#health = new Health({
      client: this.#client,
      connections: () => this.#connections,
      replication: this.#replication,
      probeKey: (number) => probeKey(this.#prefix, `${this.#node}:${number}`),
    })
  }

  #createReplication(replicas: number): Replication | undefined {
    if (replicas === 0) return undefined
    if (this.#address.kind === 'cluster') throw new TypeError('to wait for replicas is not possible in a Redis Cluster')
    const timeoutMs = Math.ceil(this.#limits.redisTimeoutMs / WAITS)
    return new Replication({ client: this.#client, connections: () => this.#connections, replicas, timeoutMs })
  }

  #createLanes(process: string): Lanes {
    const limits = this.#limits
    const counts = [limits.privateMessages, limits.privateBytes, limits.broadcastMessages, limits.broadcastBytes]
    const upstream = [...partLimits(limits), limits.upstreamRetained]
    const all = [...counts, limits.retainedBroadcasts, limits.dedupeMs, ...upstream].map((each) => Math.min(each, MOST))
    const serverJournal = serverJournalKey(this.#prefix, 0)
    return new Lanes({
      client: this.#client,
      journalOf: this.#address.kind === 'cluster' ? laneJournalKey : () => serverJournal,
      header: [this.#node, channel(this.#prefix, ''), ...all],
      connections: () => this.#connections,
      replication: this.#replication,
      life: (journal, life) => this.#recovery.met(journal, life),
      process,
      now: this.#now,
      deadlineMs: this.#limits.redisTimeoutMs,
      waitingSteps: this.#limits.redisCalls,
      waitingBytes: this.#limits.redisBytes,
    })
  }

  #createWakes(): Wakes {
    const own = channel(this.#prefix, this.#node)
    const hearer = {
      probeReturned: (count: number) => this.#wakes.probeReturned(count),
      secretsWanted: () => void this.#secrets.keep().catch(() => undefined),
      broadcastEnd: (app: string, end: number) => this.#broadcasts.endIs(app, end),
      sessionEnded: this.#sessionEnded,
      namedSessionEnded: (name: string, epoch: number) => this.#named.ended(name, epoch),
    }
    return new Wakes({
      connect: () => createSubscriber(this.#settings, this.#client, (count) => (count === 0 ? 0 : randomInt(count))),
      channels: [own, channel(this.#prefix, '')],
      heard: (message) => hear(message, this.#events, hearer),
      gap: () => this.#recovery.gap(),
      probe: (count) => this.#client.publish(own, packProbe(count)),
      probeMs: this.#limits.redisProbeMs,
      deadlineMs: this.#limits.redisTimeoutMs,
    })
  }

  readonly #sessionEnded = (tokenId: TokenId, epoch: number, reason: SessionEnd): void => {
    this.#sessions.ended(tokenId, epoch, reason)
    this.#events.sessionEnded(tokenId, epoch, reason)
  }

  async open(): Promise<void> {
    await connectClient(this.#client, this.#limits.redisOpenMs, this.#settings)
    this.#lanes.open()
    try {
      // Shows whether the user may run the script.
      await unlessRefused(this.#lanes.run(steps.SWEEP, partitionBase(this.#prefix, 0), 0, 1, 0))
      await this.#wakes.start()
    } catch (error) {
      await this.#lanes.close()
      this.#client.disconnect()
      throw error
    }
    this.#follows.start()
    this.#listeners.start()
    this.#sweeper.start()
    this.#recovery.start()
  }

  /** The same object for a token id that is used often: appends to it are joined by that. */
  #locate(tokenId: TokenId): Location {
    const known = this.#locations.get(tokenId)
    if (known !== undefined) return known
    const location = locate(this.#prefix, tokenId)
    this.#locations.set(tokenId, location)
    return location
  }

  async close(): Promise<void> {
    this.#recovery.stop()
    await this.#sweeper.stop()
    this.#follows.stop()
    this.#listeners.stop()
    await this.#lanes.close()
    this.#wakes.stop()
    this.#client.disconnect()
  }

  async health(): Promise<StoreHealth> {
    const { warnings } = await this.#health.check()
    return { warnings: [...this.#secrets.warnings, ...warnings] }
  }

  watch(watcher: Watcher): () => void {
    return this.#events.watch(watcher)
  }

  secret(name: string, create: () => string): Promise<string> {
    return this.#secrets.secret(name, create)
  }

  // Token registry

  async registerToken(registration: TokenRegistration): Promise<RegisteredToken> {
    const { tokenId, app, deviceMark } = registration
    const { base, id } = this.#locate(tokenId)
    // Another slot in a Cluster. A broadcast in between is after the end that was read, so that the device gets it.
    const end = await this.#broadcasts.end(app)
    const expires = asSeconds(registration.expiresAt)
    const result = await this.#lanes.run(steps.REGISTER, base, id, app, markBytes(deviceMark), expires, end)
    const previous = asOptionalBytes(result[1])
    const ended = asOptionalNumber(result[2])
    const generation = asNumber(result[0])
    if (previous === undefined) return { generation }
    const switchedFrom = tokenIdOf(previous)
    if (ended !== undefined) this.#sessionEnded(switchedFrom, ended, 'TOKEN_SUPERSEDED')
    return { generation, switchedFrom }
  }

  async revokeToken(tokenId: TokenId): Promise<boolean> {
    return await orWhenUnknown(false, async () => {
      const { base, id } = this.#locate(tokenId)
      const result = await this.#lanes.run(steps.REVOKE, base, id)
      const ended = asOptionalNumber(result[1])
      if (ended !== undefined) this.#sessionEnded(tokenId, ended, 'TOKEN_REVOKED')
      return result[0] === true
    })
  }

  async lookupToken(tokenId: TokenId): Promise<TokenRecord | undefined> {
    return await orWhenUnknown(undefined, async () => {
      const { base, id } = this.#locate(tokenId)
      return asTokenRecord(await this.#lanes.run(steps.LOOKUP, base, id))
    })
  }

  // Logs

  async append({ tokenId, app, message, dedupe }: PrivateAppend): Promise<Appended> {
    const { base, id } = this.#locate(tokenId)
    const result = await this.#lanes.run(
      steps.APPEND,
      base,
      id,
      app ?? '',
      encodeEntry(message),
      dedupe ? message.id : false,
    )
    const offset = asNumber(result[0])
    const dropped = asNumber(result[2])
    const expired = asNumber(result[3])
    if (dropped > 0) this.#options.observer?.dropped('private', dropped)
    if (expired > 0) this.#options.observer?.expired('private', expired)
    if (result[4] === true) this.#events.privateAppended(tokenId, offset, entryOf(message, offset))
    return { offset, duplicate: result[1] === true, dropped }
  }

  appendBroadcast(append: BroadcastAppend): Promise<Appended> {
    return this.#broadcasts.append(append)
  }

  async readPrivate(tokenId: TokenId, after: number, limit: ReadLimit): Promise<LogSlice<LogEntry>> {
    return await orWhenUnknown({ entries: [], readTo: 0, end: 0 }, async () => {
      const { base, id } = this.#locate(tokenId)
      const { entries, bytes } = finite(limit)
      const result = await this.#lanes.run(steps.READ, base, id, after, entries, bytes)
      return asSlice(result, decodeEntry)
    })
  }

  readBroadcast(app: string, after: number, limit: ReadLimit): Promise<LogSlice<BroadcastEntry>> {
    return this.#broadcasts.read(app, after, finite(limit))
  }

  async retainedPrivate(tokenId: TokenId): Promise<LogEntry | undefined> {
    return await orWhenUnknown(undefined, async () => {
      const { base, id } = this.#locate(tokenId)
      const result = await this.#lanes.run(steps.RETAINED, base, id)
      if (result.length === 0) return undefined
      const entry = decodeEntry(asNumber(result[0]), asBytes(result[1]))
      return entry.expiresAt > this.#now() ? entry : undefined
    })
  }

  retainedBroadcast(app: string, version: string): Promise<BroadcastEntry | undefined> {
    return this.#broadcasts.retained(app, version)
  }

  async commit(commits: readonly Commit[]): Promise<readonly Commit[]> {
    const refused = await Promise.all(commits.map((commit) => orWhenUnknown(false, () => this.#commitOne(commit))))
    return commits.filter((_, position) => refused[position])
  }

  /** True when it was refused. */
  async #commitOne(commit: Commit): Promise<boolean> {
    const { tokenId, epoch = 0, private: offset = 0, broadcast = 0 } = commit
    const { base, id } = this.#locate(tokenId)
    const cut = broadcast > 0 ? await this.#cutBroadcast(tokenId, broadcast) : 0
    const change = encodeChange(commit.passed === undefined ? commit : await this.#cutPassed(commit, commit.passed))
    const result = await this.#lanes.run(steps.COMMIT, base, id, epoch, offset, cut, change)
    if (result[1] === true) this.#events.cursorMoved(tokenId, asCursors(result[2], result[3], result[4]))
    return result[0] === true
  }

  async #cutPassed(commit: Commit, passed: NonNullable<Commit['passed']>): Promise<Commit> {
    const most = await this.#cutBroadcast(commit.tokenId, Math.max(0, ...passed.map(([, offset]) => offset)))
    return { ...commit, passed: passed.map(([version, offset]) => [version, Math.min(offset, most)] as const) }
  }

  /** The broadcast log is in another slot than the token, so that its end is looked at here. */
  #cutBroadcast(tokenId: TokenId, cursor: number): Promise<number> | number {
    const app = this.#sessions.appOf(tokenId)
    return app === undefined ? this.#cutUnknownApp(tokenId, cursor) : this.#broadcasts.cut(app, cursor)
  }

  async #cutUnknownApp(tokenId: TokenId, cursor: number): Promise<number> {
    const token = await this.lookupToken(tokenId)
    return token === undefined ? 0 : await this.#broadcasts.cut(token.app, cursor)
  }

  // Sessions

  async openSession({ tokenId, app, generation, cleanStart }: OpenSessionRequest): Promise<OpenedSession> {
    const { base, id } = this.#locate(tokenId)
    const result = await this.#lanes.run(steps.OPEN, base, id, app, generation, cleanStart)
    const epoch = asNumber(result[0])
    const state = asOptionalBytes(result[1])
    const ended = asOptionalNumber(result[6])
    if (ended !== undefined) this.#sessionEnded(tokenId, ended, 'SESSION_TAKEN_OVER')
    this.#sessions.opened(tokenId, { epoch, app, generation })
    return {
      epoch,
      ...(state === undefined ? {} : { state }),
      unclean: result[2] === true,
      cursors: asCursors(result[3], result[4], result[7]),
      privateEnd: asNumber(result[5]),
    }
  }

  async saveSession(tokenId: TokenId, epoch: number, state: Uint8Array): Promise<void> {
    const { base, id } = this.#locate(tokenId)
    await this.#lanes.run(steps.SAVE, base, id, epoch, state)
  }

  async closeSession(tokenId: TokenId, epoch: number, close: SessionClose): Promise<void> {
    const { base, id } = this.#locate(tokenId)
    this.#sessions.forget(tokenId, epoch)
    // 0 is never, for a session that ends too.
    const never = close.state === undefined || close.stateExpiresAt === Infinity
    const expires = never ? 0 : Math.max(1, asTime(close.stateExpiresAt))
    await this.#lanes.run(steps.CLOSE, base, id, epoch, close.state ?? false, expires)
  }

  openNamedSession(name: string, cleanStart: boolean): Promise<OpenedNamedSession> {
    return this.#named.open(name, cleanStart)
  }

  saveNamedSession(name: string, epoch: number, state: Uint8Array): Promise<void> {
    return this.#named.save(name, epoch, state)
  }

  closeNamedSession(name: string, epoch: number, close: SessionClose): Promise<void> {
    return this.#named.close(name, epoch, close)
  }

  follow(tokenId: TokenId): Promise<() => void> {
    return this.#follows.follow(tokenId)
  }

  // Upstream logs

  readonly upstreamParts = PARTITIONS

  upstreamPart(tokenId: TokenId): Part {
    return partitionOf(this.#locate(tokenId).id)
  }

  appendUpstream(append: UpstreamAppend): Promise<UpstreamAppended> {
    return this.#upstream.append(append)
  }

  releaseUpstream(tokenId: TokenId, epoch: number, packetId: number): Promise<boolean> {
    return this.#upstream.release(tokenId, epoch, packetId)
  }

  listenUpstream(app: string): Promise<() => void> {
    return this.#listeners.listen(app)
  }

  openReader(open: ReaderOpen): Promise<readonly ReaderPart[]> {
    return this.#readers.open(open)
  }

  closeReader(app: string, reader: string): Promise<void> {
    return this.#readers.close(app, reader)
  }

  readUpstream(app: string, part: Part, after: number, limit: ReadLimit): Promise<LogSlice<UpstreamEntry>> {
    return this.#upstream.read(app, part, after, finite(limit))
  }

  moveReader(app: string, reader: string, moves: readonly ReaderMove[]): Promise<boolean> {
    return this.#readers.move(app, reader, moves)
  }

  claimUpstream(claim: Claim): Promise<LogSlice<UpstreamEntry>> {
    return this.#upstream.claim({ ...claim, limit: finite(claim.limit) })
  }

  settleUpstream(claim: ClaimOwner, offsets: readonly number[]): Promise<void> {
    return this.#upstream.settle(claim, offsets)
  }

  renewClaims(claim: ClaimOwner & Pick<Claim, 'until'>): Promise<void> {
    return this.#upstream.renewClaims(claim)
  }

  releaseClaims(claim: ClaimOwner): Promise<void> {
    return this.#upstream.releaseClaims(claim)
  }

  retainedUpstream(app: string, tokenId?: TokenId): AsyncIterable<UpstreamEntry> {
    return this.#upstream.retained(app, tokenId)
  }

  // Inventory

  tokens(): AsyncIterable<KnownToken> {
    return knownTokens(this.#lanes, this.#prefix)
  }

  broadcastApps(): AsyncIterable<string> {
    return knownApps(this.#client, this.#prefix)
  }

  retainedBroadcasts(app: string): Promise<readonly RetainedBroadcast[]> {
    return this.#broadcasts.allRetained(app)
  }

  async restoreToken({ registration, ...token }: RestoredToken): Promise<TokenRecord> {
    const { tokenId, app, deviceMark, expiresAt } = registration
    const { base, id } = this.#locate(tokenId)
    const mark = markBytes(deviceMark)
    const { broadcastCursor, generation, revoked, current, marks } = token
    const kept = marks === undefined ? false : encodeMarks(marks)
    const told = [app, mark, asSeconds(expiresAt), broadcastCursor, generation, revoked, current, kept]
    return asTokenRecord(await this.#lanes.run(steps.RESTORE, base, id, ...told))
  }

  sweep(): Promise<void> {
    return this.#sweeper.pass()
  }
}

/** Rounded up: a token id is kept until its newest JWT has really expired. */
function asSeconds(time: number): number {
  return Math.ceil(Math.min(time, MOST) / 1000)
}

function finite({ entries, bytes }: ReadLimit): ReadLimit {
  return { entries: Math.min(entries, MOST), bytes: Math.min(bytes, MOST) }
}

const UNKNOWN: ErrorCode = 'TOKEN_UNKNOWN'

/** For calls to which an unknown token id is no error. */
async function orWhenUnknown<T>(instead: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PushError && error.code === UNKNOWN) return instead
    throw error
  }
}
