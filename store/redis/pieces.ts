/** The parts of the engine, and how they are connected. */
import { randomBytes, randomInt } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import { ENDS, type LogName, type NodeChannel, type SessionEnd, type StoreObserver, type TokenId } from '../contract.ts'
import { tellEnded } from '../watching.ts'
import { Accounts } from './accounts.ts'
import { type Address, parseAddress } from './address.ts'
import { Broadcasts } from './broadcasts.ts'
import type { ConnectionSettings } from './client.ts'
import { BatchScript } from './batch-script.ts'
import { type Client, createClient, createSubscriber } from './connection.ts'
import { Events, hear, packProbe } from './events.ts'
import { Following } from './following.ts'
import { createFollows, type Follows } from './follows.ts'
import { Health } from './health.ts'
import {
  channel,
  isKeyPrefix,
  laneJournalKey,
  PARTITIONS,
  partitionBase,
  probeKey,
  serverJournalKey,
  subscriptionsBase,
} from './keys.ts'
import { Lanes } from './lanes.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { NamedSessions } from './named.ts'
import { Names } from './names.ts'
import { nodeChannel } from './node-channel.ts'
import { Nodes } from './nodes.ts'
import { OpenSessions } from './open-sessions.ts'
import type { RedisLimits, RedisStoreOptions } from './options.ts'
import type { Packed } from './pack.ts'
import { Readers } from './readers.ts'
import { Recovery } from './recovery.ts'
import { Registry } from './registry.ts'
import { Replication } from './replication.ts'
import { RedisSecrets } from './secrets.ts'
import { SessionLogs } from './session-logs.ts'
import { RedisSubscriptionLease } from './subscription-lease.ts'
import { Subscriptions } from './subscriptions.ts'
import { RedisTables } from './tables.ts'
import { Sweeper } from './sweeper.ts'
import { type Location, locate } from './token.ts'
import { Tokens } from './tokens.ts'
import { eventPartLimits, partLimits, Upstream } from './upstream.ts'
import { asList, asNumber, asText } from './values.ts'
import { WakeCounts } from './wake-counts.ts'
import { Wakes } from './wakes.ts'
import { Wills } from './wills.ts'

const NAME_BYTES = 6
const MOST = 2 ** 48
const LOCATIONS = 20_000
/** WAIT gives up so many times within a deadline, and is asked again: a connection that says nothing is taken for dead. */
const WAITS = 4

export class Pieces {
  readonly prefix: string
  readonly settings: ConnectionSettings
  readonly limits: RedisLimits
  readonly client: Client
  readonly events: Events
  readonly lanes: Lanes
  readonly wakes: Wakes
  readonly wakeCounts: WakeCounts
  readonly locate: (tokenId: TokenId) => Location
  readonly registry: Registry
  readonly accounts: Accounts
  readonly tokens: Tokens
  readonly broadcasts: Broadcasts
  readonly following: Following
  readonly named: NamedSessions
  readonly subscriptions: Subscriptions
  readonly subscriptionLease: RedisSubscriptionLease
  readonly sessionLogs: SessionLogs
  readonly tables: RedisTables
  readonly wills: Wills
  readonly follows: Follows
  readonly listeners: Listeners
  readonly readers: Readers
  readonly upstream: Upstream
  readonly nodes: Nodes
  readonly nodeChannel: NodeChannel
  readonly sweeper: Sweeper
  readonly health: Health
  readonly secrets: RedisSecrets
  readonly recovery: Recovery
  readonly #address: Address
  readonly #journalOf: (base: string) => string
  readonly #node: string
  readonly #now: () => number
  readonly #sessions: OpenSessions
  readonly #replication: Replication | undefined
  #connections = 0

  constructor(options: RedisStoreOptions) {
    const { observer, now = Date.now } = options
    const randomName = options.randomName ?? (() => randomBytes(NAME_BYTES).toString('base64url'))
    this.events = new Events(observer)
    this.prefix = options.prefix ?? 'push'
    if (!isKeyPrefix(this.prefix)) throw new TypeError('a key prefix is 1 to 64 letters, digits, `_`, `.`, `:` or `-`')
    this.#node = options.node ?? randomName()
    this.#now = now
    this.#address = parseAddress(options.url)
    this.limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.settings = { address: this.#address, deadlineMs: this.limits.redisTimeoutMs, tls: options.tls }
    this.client = createClient(this.settings)
    this.client.on('ready', () => {
      this.#connections += 1
    })
    const serverJournal = serverJournalKey(this.prefix, 0)
    this.#journalOf = this.#address.kind === 'cluster' ? laneJournalKey : () => serverJournal
    this.#replication = this.#createReplication(options.replicas ?? 0)
    this.lanes = this.#createLanes(randomName(), observer)
    this.locate = locator(this.prefix)
    const { lanes, client, prefix, events, locate } = this
    const shared = { lanes, client, prefix, now, observer, events, locate }
    this.#sessions = new OpenSessions({
      ...shared,
      ended: this.#sessionEnded,
      grown: (tokenId, offset) => events.privateAppended(tokenId, offset),
      cursorsLost: (tokenId) => events.cursorsLost(tokenId),
    })
    this.broadcasts = new Broadcasts(shared)
    const { broadcasts } = this
    this.registry = new Registry({ ...shared, broadcasts, sessionEnded: this.#sessionEnded })
    const { registry } = this
    const sessions = { sessions: this.#sessions, sessionEnded: this.#sessionEnded }
    this.tokens = new Tokens({ ...shared, broadcasts, registry, ...sessions })
    this.following = new Following(shared)
    this.accounts = new Accounts({ ...shared, deviceHoldMs: this.limits.deviceHoldMs })
    const names = new Names(prefix)
    this.subscriptionLease = this.#createSubscriptionLease()
    const { subscriptionLease } = this
    const { redisTimeoutMs: deadlineMs } = this.limits
    this.subscriptions = new Subscriptions({ ...shared, names, lease: subscriptionLease, deadlineMs })
    this.named = new NamedSessions({ ...shared, names, subscriptions: this.subscriptions })
    const { named } = this
    this.sessionLogs = new SessionLogs({ ...shared, names, named })
    this.tables = new RedisTables(shared)
    this.wills = new Wills({ ...shared, names })
    this.wakes = this.#createWakes()
    this.wakeCounts = this.#createWakeCounts()
    this.follows = createFollows(shared)
    this.listeners = createListeners(shared)
    this.readers = new Readers(shared)
    const { follows, listeners, readers } = this
    this.upstream = new Upstream({ ...shared, listeners })
    this.nodes = new Nodes({ ...shared, wasSilent: () => this.recovery.gap() })
    const { nodes, tables } = this
    this.nodeChannel = nodeChannel({ lanes, prefix, node: this.#node, nodes })
    this.sweeper = new Sweeper({ ...shared, named, nodes, tables, sweepMs: this.limits.sweepMs })
    this.secrets = new RedisSecrets({ ...shared, everyNode: this.#channelOf(''), openMs: this.limits.redisOpenMs })
    const { secrets } = this
    const kept = {
      broadcasts,
      secrets,
      follows,
      listeners,
      readers,
      named,
      tokens: this.tokens,
      nodes,
      sessions: this.#sessions,
      subscriptionLease,
    }
    this.recovery = new Recovery({ ...kept, events, observer, lookMs: this.limits.redisProbeMs })
    this.health = new Health({
      client,
      connections: () => this.#connections,
      replication: this.#replication,
      probeKey: (number) => probeKey(prefix, `${this.#node}:${number}`),
    })
  }

  #channelOf(node: string): string {
    return channel(this.prefix, this.#address.database, node)
  }

  #createReplication(replicas: number): Replication | undefined {
    if (replicas === 0) return undefined
    if (this.#address.kind === 'cluster') throw new TypeError('to wait for replicas is not possible in a Redis Cluster')
    const timeoutMs = Math.ceil(this.limits.redisTimeoutMs / WAITS)
    return new Replication({ client: this.client, connections: () => this.#connections, replicas, timeoutMs })
  }

  #createLanes(process: string, observer: StoreObserver | undefined): Lanes {
    const { limits } = this
    return new Lanes({
      script: new BatchScript(this.client),
      journalOf: this.#journalOf,
      connections: () => this.#connections,
      replication: this.#replication,
      life: (journal, life) => this.recovery.met(journal, life),
      tallied: (tallies) => tellTallies(tallies, observer),
      unheard: () => this.wakeCounts.doubt(),
      process: [process, this.#node, this.#channelOf(''), ...scriptLimits(limits)],
      now: this.#now,
      deadlineMs: limits.redisTimeoutMs,
      waitingSteps: limits.redisCalls,
      waitingBytes: limits.redisBytes,
    })
  }

  #createWakeCounts(): WakeCounts {
    const bases = Array.from({ length: PARTITIONS }, (_, number) => partitionBase(this.prefix, number))
    return new WakeCounts({
      lanes: this.lanes,
      baseOf: new Map(bases.map((base) => [this.#journalOf(base), base])),
      recheckMs: this.limits.sessionRecheckMs,
      lost: () => this.recovery.gap(),
      monotonic: () => performance.now(),
    })
  }

  #createSubscriptionLease(): RedisSubscriptionLease {
    const { lanes, client } = this
    const base = subscriptionsBase(this.prefix)
    const lease = new RedisSubscriptionLease({ lanes, base, now: this.#now, monotonic: () => performance.now() })
    client.on('close', () => lease.lost())
    // Now it may be another Redis.
    client.on('ready', () => this.#connections > 1 && lease.lost())
    return lease
  }

  #createWakes(): Wakes {
    const own = this.#channelOf(this.#node)
    const hearer = {
      probeReturned: (count: number) => this.wakes.probeReturned(count),
      wakesCounted: (lane: string, count: number) => this.wakeCounts.heard(lane, count),
      secretsWanted: () => void this.secrets.keep().catch(() => undefined),
      broadcastEnd: (app: string, end: number) => this.broadcasts.endIs(app, end),
      subscriptionsFollowed: (node: string, offset: number) => this.subscriptionLease.confirmed(node, offset),
      sessionEnded: this.#sessionEnded,
      namedSessionEnded: (name: string, epoch: number) => this.named.ended(name, epoch),
    }
    return new Wakes({
      connect: () => createSubscriber(this.settings, this.client, (count) => (count === 0 ? 0 : randomInt(count))),
      channels: [own, this.#channelOf('')],
      heard: (message) => hear(message, this.events, hearer),
      gap: () => this.recovery.gap(),
      probe: (count) => this.client.publish(own, packProbe(count)),
      probeMs: this.limits.redisProbeMs,
      deadlineMs: this.limits.redisTimeoutMs,
    })
  }

  readonly #sessionEnded = (tokenId: TokenId, epoch: number, reason: SessionEnd): void => {
    this.#sessions.ended(tokenId, epoch, reason)
    this.events.sessionEnded(tokenId, epoch, reason)
  }
}

/** { destination, number of an end, count, ... } */
function tellTallies(tallies: Packed, observer: StoreObserver | undefined): void {
  const list = asList(tallies)
  for (let at = 0; at + 2 < list.length; at += 3) {
    const destination = LOGS[asText(list[at])]
    const state = ENDS[asNumber(list[at + 1]) - 1]
    if (destination !== undefined && state !== undefined)
      tellEnded(observer, destination, state, asNumber(list[at + 2]))
  }
}

const LOGS: Readonly<Record<string, LogName>> = { private: 'private', broadcast: 'broadcast', event: 'event' }

/** In the order of LIMIT in `lua/begin.lua`. */
function scriptLimits(limits: RedisLimits): readonly number[] {
  const all = [
    limits.privateMessages,
    limits.privateBytes,
    limits.broadcastMessages,
    limits.broadcastBytes,
    limits.retainedBroadcasts,
    limits.dedupeMs,
    ...partLimits(limits),
    limits.upstreamRetained,
    ...eventPartLimits(limits),
    limits.storedMessages,
    limits.storedBytes,
    limits.deviceHoldMs,
    limits.lateAckMs,
    limits.webPushMessages,
  ]
  return all.map((each) => Math.min(each, MOST))
}

/** The same object for a token id that is used often: appends to it are joined by that. */
function locator(prefix: string): (tokenId: TokenId) => Location {
  const locations = new LRUCache<TokenId, Location>({ max: LOCATIONS })
  return (tokenId) => {
    const known = locations.get(tokenId)
    if (known !== undefined) return known
    const location = locate(prefix, tokenId)
    locations.set(tokenId, location)
    return location
  }
}
