/** Takes out what has expired. It reads what has expired, never what is stored. */
import { type Context, del, look } from './context.ts'
import type { BroadcastLog } from './broadcast-log.ts'
import type { Operation } from './group-commit.ts'
import {
  currentKey,
  expiredRange,
  expiryKey,
  Kind,
  parseBroadcastKey,
  parseExpiryKey,
  parseName,
  parsePrivateKey,
  parseRetainedBroadcastKey,
  tokenKey,
} from './keys.ts'
import type { PrivateLog } from './private-log.ts'
import type { Token, TokenTable } from './token-table.ts'
import { decodeEntry, decodeSeen } from './values.ts'

/** Expired things taken out in one write. */
const CHUNK = 500
/** A token that is in use, or has messages waiting, is looked at again after this time, ms. */
const KEEP_MS = 24 * 60 * 60 * 1000

interface Pass {
  readonly context: Context
  readonly now: number
  readonly tokens: TokenTable
  readonly private: PrivateLog
  readonly broadcast: BroadcastLog
  readonly operations: Operation[]
  readonly touched: Set<Token>
  readonly expired: { private: number; broadcast: number }
}

export async function sweep(
  context: Context,
  tokens: TokenTable,
  privateLog: PrivateLog,
  broadcast: BroadcastLog,
): Promise<void> {
  for (;;) {
    const now = context.now()
    const keys = await context.database.keys({ ...expiredRange(now), limit: CHUNK }).all()
    if (keys.length === 0) return
    const pass: Pass = {
      context,
      now,
      tokens,
      private: privateLog,
      broadcast,
      operations: [],
      touched: new Set(),
      expired: { private: 0, broadcast: 0 },
    }
    for (const key of keys) {
      pass.operations.push(del(key))
      await expire(pass, parseExpiryKey(key).of)
    }
    await write(pass)
  }
}

async function write({ context, tokens, broadcast, operations, touched, expired }: Pass): Promise<void> {
  for (const token of touched) {
    operations.push(tokens.save(token))
    token.writing++
  }
  try {
    await context.commits.write(operations, false)
  } finally {
    for (const token of touched) {
      token.writing--
      token.gone = undefined
    }
    broadcast.settled()
  }
  if (expired.private > 0) context.observer.expired('private', expired.private)
  if (expired.broadcast > 0) context.observer.expired('broadcast', expired.broadcast)
}

async function expire(pass: Pass, key: Buffer): Promise<void> {
  switch (key[0]) {
    case Kind.private:
      return expirePrivate(pass, key)
    case Kind.broadcast: {
      const { app, offset } = parseBroadcastKey(key)
      if (await pass.broadcast.expire(app, offset, pass.now, pass.operations)) pass.expired.broadcast++
      return
    }
    case Kind.retainedBroadcast: {
      const { app, selector } = parseRetainedBroadcastKey(key)
      return pass.broadcast.expireRetained(app, selector, pass.now, pass.operations)
    }
    case Kind.retainedPrivate:
      return expireValue(pass, key, (value) => decodeEntry(value).expiresAt)
    case Kind.privateId:
    case Kind.broadcastId:
      return expireValue(pass, key, (value) => decodeSeen(value).until)
    case Kind.token:
      return expireToken(pass, parseName(key))
  }
}

function expirePrivate(pass: Pass, key: Buffer): void {
  const { tokenId, offset } = parsePrivateKey(key)
  const token = pass.tokens.get(tokenId)
  if (token === undefined || !pass.private.expire(token, offset, pass.now, pass.operations)) return
  pass.touched.add(token)
  pass.expired.private++
}

/** It may have been written anew since, with a later end. */
function expireValue(pass: Pass, key: Buffer, until: (value: Buffer) => number): void {
  const value = look(pass.context.database, key)
  if (value !== undefined && until(value) <= pass.now) pass.operations.push(del(key))
}

/** A token id whose last JWT has expired, and for which nothing waits, is forgotten. */
function expireToken(pass: Pass, tokenId: string): void {
  const token = pass.tokens.get(tokenId)
  if (token === undefined || token.expiresAt > pass.now) return
  if (token.open || token.count > 0 || token.writing > 0 || pass.touched.has(token)) {
    pass.operations.push({ type: 'put', key: expiryKey(pass.now + KEEP_MS, tokenKey(tokenId)), value: Buffer.alloc(0) })
    return
  }
  const pointer = currentKey(token.app, token.device)
  if (look(pass.context.database, pointer)?.toString() === tokenId) pass.operations.push(del(pointer))
  pass.operations.push(del(tokenKey(tokenId)))
  pass.tokens.forget(tokenId)
}
