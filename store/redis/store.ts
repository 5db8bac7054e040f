/** The store on Redis, shared by many nodes: maps each call of the contract to the part that implements it. */
import type {
  AccountStore,
  FollowingStore,
  Inventory,
  NamedSessionStore,
  ReadLimit,
  RegistryStore,
  SessionLogStore,
  Store,
  TableStore,
  UpstreamStore,
} from '../contract.ts'
import { connectClient, unlessRefused } from './connection.ts'
import { checkFormat } from './format.ts'
import { knownApps, knownLogs, knownNamedSessions, knownReaders, knownTokens, pendingMessages } from './inventory.ts'
import { PARTITIONS, partitionBase } from './keys.ts'
import type { RedisStoreOptions } from './options.ts'
import { Pieces } from './pieces.ts'
import { SWEEP } from './steps.ts'
import { partitionOf } from './token.ts'

export type { RedisStoreOptions } from './options.ts'

export function openRedisStore(options: RedisStoreOptions): Store {
  const pieces = new Pieces(options)
  return {
    ...life(pieces),
    ...registry(pieces),
    ...tokens(pieces),
    ...following(pieces),
    ...upstream(pieces),
    ...namedSessions(pieces),
    ...inventory(pieces),
    ...tables(pieces),
    secret: (name, create) => pieces.secrets.secret(name, create),
    nodes: pieces.nodeChannel,
    findsLostWakes: true,
  }
}

type Life = Pick<Store, 'open' | 'close' | 'health' | 'pendingMessages' | 'watch' | 'sweep'>

function life(pieces: Pieces): Life {
  const { client, lanes, wakes, wakeCounts, follows, listeners, nodes, sweeper, recovery } = pieces
  return {
    async open() {
      await connectClient(client, pieces.limits.redisOpenMs, pieces.settings)
      lanes.open()
      try {
        // Shows whether the user may run the script.
        await unlessRefused(lanes.run(SWEEP, partitionBase(pieces.prefix, 0), 0, 1, 0))
        await unlessRefused(checkFormat(client, pieces.prefix))
        await unlessRefused(nodes.beat())
        await wakes.start()
      } catch (error) {
        await lanes.close()
        client.disconnect()
        throw error
      }
      follows.start()
      listeners.start()
      nodes.start()
      sweeper.start()
      recovery.start()
      wakeCounts.start()
    },
    async close() {
      recovery.stop()
      wakeCounts.stop()
      await sweeper.stop()
      follows.stop()
      listeners.stop()
      nodes.stop()
      await lanes.close()
      wakes.stop()
      client.disconnect()
    },
    async health() {
      const { warnings } = await pieces.health.check()
      return { warnings: [...pieces.secrets.warnings, ...warnings] }
    },
    pendingMessages: () => pendingMessages(client, pieces.prefix),
    watch: (watcher) => pieces.events.watch(watcher),
    sweep: () => sweeper.pass(),
  }
}

type TokenCalls = Omit<
  Store,
  | keyof Life
  | keyof UpstreamStore
  | keyof NamedSessionStore
  | keyof SessionLogStore
  | keyof Inventory
  | keyof RegistryStore
  | keyof AccountStore
  | keyof FollowingStore
  | keyof TableStore
  | 'secret'
  | 'nodes'
  | 'retainedTopics'
>

function tokens({ tokens, broadcasts, follows }: Pieces): TokenCalls {
  return {
    append: (append) => tokens.append(append),
    appendWebPush: (append) => tokens.appendWebPush(append),
    appendBroadcast: (append) => broadcasts.append(append),
    readPrivate: (tokenId, after, limit, options) =>
      tokens.read(tokenId, after, finite(limit), options?.handsOut === true),
    readBroadcast: (app, after, limit) => broadcasts.read(app, after, finite(limit)),
    retainedPrivate: (tokenId) => tokens.retained(tokenId),
    retainedBroadcast: (app, version, tags) => broadcasts.retained(app, version, tags),
    commit: (commits) => tokens.commit(commits),
    openSession: (request) => tokens.openSession(request),
    saveSession: (tokenId, epoch, state) => tokens.saveSession(tokenId, epoch, state),
    closeSession: (tokenId, epoch, close) => tokens.closeSession(tokenId, epoch, close),
    follow: (tokenId) => follows.take(tokenId),
  }
}

function following({ following }: Pieces): FollowingStore {
  return {
    messageStatus: (tokenId, id) => following.messageStatus(tokenId, id),
    broadcastStatus: (app, id) => following.broadcastStatus(app, id),
    recall: (tokenId, id) => following.recall(tokenId, id),
    recallBroadcast: (app, id) => following.recallBroadcast(app, id),
    countBroadcasts: (counts) => following.countBroadcasts(counts),
    tellPrivate: (told) => following.tellPrivate(told),
    tellBroadcast: (told) => following.tellBroadcast(told),
  }
}

function registry({ registry, accounts }: Pieces): RegistryStore & AccountStore {
  return {
    // With both of its signatures.
    registerToken: registry.registerToken.bind(registry),
    revokeToken: (tokenId, how) => registry.revokeToken(tokenId, how),
    lookupToken: (tokenId) => registry.lookupToken(tokenId),
    inspectToken: (tokenId) => registry.inspectToken(tokenId),
    tokenPage: (after, most, app) => registry.tokenPage(after, most, app),
    noteDevice: (note) => accounts.noteDevice(note),
    accountDevices: (accountMark) => accounts.accountDevices(accountMark),
    forgetDevices: (accountMark, devices) => accounts.forgetDevices(accountMark, devices),
  }
}

function tables({ tables }: Pieces): TableStore {
  return {
    writeRow: (write) => tables.writeRow(write),
    readRow: (table, key) => tables.readRow(table, key),
    readRows: (table, after, most) => tables.readRows(table, after, most),
    tableEnd: (table) => tables.tableEnd(table),
    readChanges: (table, after, most) => tables.readChanges(table, after, most),
  }
}

function upstream({ upstream, readers, listeners, locate }: Pieces): UpstreamStore {
  return {
    upstreamParts: PARTITIONS,
    upstreamPart: (tokenId) => partitionOf(locate(tokenId).id),
    appendUpstream: (append) => upstream.append(append),
    releaseUpstream: (tokenId, epoch, packetId) => upstream.release(tokenId, epoch, packetId),
    appendEvents: (events) => upstream.appendEvents(events),
    appendGroup: (append) => upstream.appendGroup(append),
    assignShared: (claim, offset, name) => upstream.assignShared(claim, offset, name),
    forgetAssigned: (group, offset) => upstream.forgetAssigned(group, offset),
    forgetGroupUid: (uid, groups) => upstream.forgetGroupUid(uid, groups),
    listenUpstream: (app) => listeners.take(app),
    openReader: (open) => readers.open(open),
    closeReader: (app, reader) => readers.close(app, reader),
    readUpstream: (app, part, after, limit) => upstream.read(app, part, after, finite(limit)),
    readUnread: (reading) => upstream.readUnread({ ...reading, limit: finite(reading.limit) }),
    moveReader: (app, reader, moves) => readers.move(app, reader, moves),
    claimUpstream: (claim) => upstream.claim({ ...claim, limit: finite(claim.limit) }),
    settleUpstream: (claim, offsets) => upstream.settle(claim, offsets),
    renewClaims: (claim) => upstream.renewClaims(claim),
    releaseClaims: (claim) => upstream.releaseClaims(claim),
    retainedUpstream: (app, tokenId) => upstream.retained(app, tokenId),
  }
}

function namedSessions(pieces: Pieces): NamedSessionStore & SessionLogStore {
  const { named, sessionLogs, subscriptions, wills } = pieces
  return {
    openNamedSession: (name, cleanStart, keptMs) => named.open(name, cleanStart, keptMs),
    saveNamedSession: (name, epoch, state) => named.save(name, epoch, state),
    closeNamedSession: (name, epoch, close) => named.close(name, epoch, close),
    rememberReceived: (name, epoch, packetId, known) => named.remember(name, epoch, packetId, known),
    releaseReceived: (name, epoch, packetId) => named.release(name, epoch, packetId),
    takeWill: (session, epoch, until) => wills.take(session, epoch, until),
    willPublished: (session, epoch) => wills.published(session, epoch),
    appendSessions: (append) => sessionLogs.append(append),
    forgetUid: (uid, names) => sessionLogs.forgetUid(uid, names),
    readSession: (name, after, limit) => sessionLogs.read(name, after, finite(limit)),
    commitSession: (commit) => sessionLogs.commit(commit),
    changeSubscriptions: (change) => named.changeSubscriptions(change),
    subscriptionsEnd: () => subscriptions.lastOffset(),
    subscriptionLease: pieces.subscriptionLease,
    readSubscriptions: (after, most) => subscriptions.read(after, most),
    subscriptions: () => subscriptions.all(),
    subscriptionsOf: (name) => named.subscriptionsOf(name),
  }
}

function inventory({ client, lanes, prefix, broadcasts, upstream, registry }: Pieces): Inventory {
  return {
    tokens: () => knownTokens(lanes, prefix),
    broadcastApps: () => knownApps(client, prefix),
    retainedBroadcasts: (app) => broadcasts.allRetained(app),
    upstreamLogs: () => knownLogs({ client, lanes, prefix, retained: (app) => upstream.retained(app) }),
    readersOf: (log) => knownReaders(lanes, prefix, log),
    namedSessions: () => knownNamedSessions(lanes, prefix),
    restoreUpstream: (log, entries) => upstream.restore(log, entries),
    restoreRetainedUpstream: (app, entries) => upstream.restoreRetained(app, entries),
    restoreToken: (token) => registry.restore(token),
  }
}

const MOST = 2 ** 48

function finite({ entries, bytes }: ReadLimit): ReadLimit {
  return { entries: Math.min(entries, MOST), bytes: Math.min(bytes, MOST) }
}
