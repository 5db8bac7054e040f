/** Removing what has expired: it reads what is due, never what is stored. */
import { setImmediate as turn } from 'node:timers/promises'
import type { TokenId } from '../contract.ts'
import { sweepAccount } from './accounts.ts'
import { sweepAssigned } from './assigned.ts'
import type { Database } from './database.ts'
import type { Durable } from './durable.ts'
import { forgottenAt } from './due.ts'
import { raiseFloor } from './floor.ts'
import type { GroupCommit } from './group-commit.ts'
import {
  broadcastCountKey,
  currentKey,
  dueRange,
  Kind,
  nameOf,
  ownerNameOf,
  parseDueKey,
  parseEntryKey,
  retainedPrivateKey,
  tokenWillKey,
} from './keys.ts'
import { changeRetained } from './messages.ts'
import { decodeId } from './message-ids.ts'
import { type TokenState, trimmable } from './records.ts'
import { sweepRetainedTopic } from './retained-topics.ts'
import { prepareRest, sweepRest } from './session-rest.ts'
import { closeEarlier, sweepNamed, sweepSessionEntry } from './sweep-sessions.ts'
import { sweepUpstream, sweepUpstreamEntry } from './sweep-upstream.ts'
import { sweepRow } from './tables.ts'
import { forgetDetails } from './token-details.ts'
import { forgetSession, hasEnded } from './tokens.ts'
import type { Transaction } from './transaction.ts'
import { expireRetained, forgetRetained } from './upstream-retained.ts'
import { sweepUid } from './uids.ts'
import { forgetWill, sweepWill } from './wills.ts'

/** Due keys taken together, and about how many changes, so that live calls go on in between. */
const TOGETHER = 200
const CHANGES = 2_000

/** One pass over what is due at `now`. */
export async function sweep(database: Database, durable: Durable, commits: GroupCommit, now: number): Promise<void> {
  await closeEarlier(durable, commits)
  for (;;) {
    const due = await database.keys(dueRange(now), TOGETHER)
    if (due.length === 0) return
    await commits.submit({
      synced: true,
      bytes: 0,
      async prepare(transaction) {
        for (const key of due) await prepare(transaction, database, parseDueKey(key).key, now)
      },
      apply(transaction) {
        const before = transaction.changes
        for (const key of due) {
          if (transaction.changes - before > CHANGES) return
          sweepOne(transaction, key, now)
        }
      },
    })
    await turn()
  }
}

/** What a sweep of it needs and cannot look up at once. */
async function prepare(transaction: Transaction, database: Database, key: Buffer, now: number): Promise<void> {
  switch (key[0]) {
    case Kind.app:
      return await transaction.prepareRetained(nameOf(key))
    case Kind.upstream:
      return await transaction.upstream.prepareReaders(nameOf(key))
    case Kind.upstreamEntry:
      return await transaction.upstream.prepareReaders(parseEntryKey(key).name)
    case Kind.sessionRest:
      return await prepareRest(transaction, database, key)
    case Kind.token: {
      const token = transaction.token(nameOf(key))
      if (token !== undefined && forgottenAt(token, transaction.keptMs) <= now)
        await transaction.upstream.prepareRetained(nameOf(key))
    }
  }
}

function sweepOne(transaction: Transaction, due: Buffer, now: number): void {
  const { time, key } = parseDueKey(due)
  switch (key[0]) {
    case Kind.token:
      return sweepToken(transaction, due, time, nameOf(key), now)
    case Kind.app:
      return sweepApp(transaction, due, time, nameOf(key), now)
    case Kind.privateEntry:
      transaction.delete(due)
      return sweepPrivateEntry(transaction, key, now)
    case Kind.broadcastEntry:
      transaction.delete(due)
      return sweepBroadcastEntry(transaction, key, now)
    case Kind.namedSession:
      return sweepNamed(transaction, due, time, nameOf(key), now)
    case Kind.sessionEntry:
      transaction.delete(due)
      return sweepSessionEntry(transaction, key, now)
    case Kind.sessionRest:
      return sweepRest(transaction, due, key)
    case Kind.sessionUid:
    case Kind.groupUid:
      transaction.delete(due)
      return sweepUid(transaction, key, now)
    case Kind.account:
      transaction.delete(due)
      return sweepAccount(transaction, key, time)
    case Kind.tableRow:
      transaction.delete(due)
      return sweepRow(transaction, key, now)
    case Kind.assigned:
      transaction.delete(due)
      return sweepAssigned(transaction, key, now)
    case Kind.namedWill:
    case Kind.tokenWill:
      transaction.delete(due)
      return sweepWill(transaction, key, now)
    case Kind.retainedTopic:
      transaction.delete(due)
      return sweepRetainedTopic(transaction, key, now)
    case Kind.upstream:
      return sweepUpstream(transaction, due, time, nameOf(key), now)
    case Kind.upstreamEntry:
      transaction.delete(due)
      return sweepUpstreamEntry(transaction, key, now)
    case Kind.upstreamRetained:
      transaction.delete(due)
      return expireRetained(transaction, key, now)
    default:
      transaction.delete(due)
      return sweepMessageId(transaction, key, now)
  }
}

function sweepToken(transaction: Transaction, due: Buffer, time: number, tokenId: TokenId, now: number): void {
  const token = transaction.token(tokenId)
  if (token?.visitAt !== time) return transaction.delete(due)
  const log = transaction.privateLog(tokenId, token)
  log.trim(trimmable(token))
  if (log.state.count > 0 && log.state.dueAt <= now) log.expireHead(now)
  const retainedUntil = token.retainedUntil > now ? token.retainedUntil : 0
  if (retainedUntil < token.retainedUntil) transaction.delete(retainedPrivateKey(tokenId))
  const session = token.session !== undefined && hasEnded(token.session, now) ? undefined : token.session
  if (token.session !== undefined && session === undefined) forgetSession(transaction, tokenId, token.session)
  const swept = { ...token, log: log.state, retainedUntil, session, visitAt: 0 }
  transaction.setToken(tokenId, swept)
  if (forgottenAt(token, transaction.keptMs) <= now && log.state.count === 0 && retainedUntil === 0)
    forgetToken(transaction, tokenId, swept)
}

function forgetToken(transaction: Transaction, tokenId: TokenId, token: TokenState): void {
  raiseFloor(transaction, { generation: token.generation, epoch: token.epoch, offset: token.log.last })
  const pointer = currentKey(token.app, token.deviceMark)
  if (transaction.get(pointer)?.toString() === tokenId) transaction.delete(pointer)
  if (token.session !== undefined) forgetSession(transaction, tokenId, token.session)
  forgetRetained(transaction, tokenId)
  forgetWill(transaction, tokenWillKey(tokenId))
  forgetDetails(transaction, tokenId)
  transaction.setToken(tokenId, undefined)
}

function sweepApp(transaction: Transaction, due: Buffer, time: number, name: string, now: number): void {
  const before = transaction.app(name)
  if (before.visitAt !== time) return transaction.delete(due)
  if (before.retainedUntil > 0 && before.retainedUntil <= now) {
    changeRetained(transaction, name, transaction.retained(name).expire(now), undefined)
  }
  const app = transaction.app(name)
  const log = transaction.broadcastLog(name, app)
  if (log.state.count > 0 && log.state.dueAt <= now) log.expireHead(now)
  transaction.setApp(name, { ...app, log: log.state, visitAt: 0 })
}

function sweepPrivateEntry(transaction: Transaction, key: Buffer, now: number): void {
  const { name, offset } = parseEntryKey(key)
  const token = transaction.token(name)
  if (token === undefined) return transaction.delete(key)
  const log = transaction.privateLog(name, token)
  log.trim(trimmable(token))
  if (offset > trimmable(token)) log.expireDue(offset, now)
  transaction.setToken(name, { ...token, log: log.state })
}

function sweepBroadcastEntry(transaction: Transaction, key: Buffer, now: number): void {
  const { name, offset } = parseEntryKey(key)
  const app = transaction.app(name)
  const log = transaction.broadcastLog(name, app)
  log.expireOne(offset, now)
  transaction.setApp(name, { ...app, log: log.state })
}

/** It may have been remembered again since. */
function sweepMessageId(transaction: Transaction, key: Buffer, now: number): void {
  const bytes = transaction.get(key)
  const known = bytes && decodeId(bytes)
  if (known === undefined || known.until > now) return
  transaction.delete(key)
  if (key[0] === Kind.broadcastId) transaction.delete(broadcastCountKey(ownerNameOf(key), known.offset))
}
