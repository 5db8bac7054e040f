/**
 * Sessions that are known by a name: one value each, with its state. A session that nobody holds has a due key at its end.
 * What is forgotten leaves its epoch in the floor, below all that is given after it.
 */
import { PushError } from '../../errors.ts'
import type { OpenedNamedSession, SessionClose } from '../contract.ts'
import { ValueReader, ValueWriter, clamp } from './bytes.ts'
import { orDamaged } from './durable.ts'
import { floorOf, raiseFloor } from './floor.ts'
import { dueKey, namedSessionKey } from './keys.ts'
import { NEVER } from './records.ts'
import type { Transaction } from './transaction.ts'

interface NamedSession {
  readonly epoch: number
  /** A connection has it. */
  readonly held: boolean
  /** When it ends, unless it is held. */
  readonly expiresAt: number
  readonly state: Uint8Array | undefined
}

const VERSION = 1
const HELD = 1
const HAS_STATE = 2
/** Version, flags, epoch, end. */
const HEAD_BYTES = 16

export function openNamedSession(transaction: Transaction, name: string, cleanStart: boolean): OpenedNamedSession {
  const key = namedSessionKey(name)
  const previous = sessionOf(transaction, key)
  if (previous?.held) transaction.tell((watcher) => watcher.namedSessionEnded?.(name, previous.epoch))
  const resumed = cleanStart || previous === undefined || hasEnded(previous, transaction.now) ? undefined : previous
  const epoch = (previous?.epoch ?? floorOf(transaction).epoch) + 1
  const state = resumed?.state
  store(transaction, key, previous, { epoch, held: true, expiresAt: NEVER, state })
  return { epoch, ...(state === undefined ? {} : { state }), unclean: resumed?.held === true }
}

/** @throws SESSION_TAKEN_OVER */
export function saveNamedSession(transaction: Transaction, name: string, epoch: number, state: Uint8Array): void {
  const key = namedSessionKey(name)
  const session = sessionOf(transaction, key)
  if (session?.epoch !== epoch || !session.held) throw new PushError('SESSION_TAKEN_OVER')
  store(transaction, key, session, { ...session, state })
}

export function closeNamedSession(transaction: Transaction, name: string, epoch: number, close: SessionClose): void {
  const key = namedSessionKey(name)
  const session = sessionOf(transaction, key)
  if (session?.epoch !== epoch || hasEnded(session, transaction.now)) return
  const { state } = close
  if (state === undefined) return forget(transaction, key, session)
  store(transaction, key, session, { epoch, held: false, expiresAt: clamp(close.stateExpiresAt), state })
}

/** What a due key of a session says: it may have been opened since. */
export function sweepNamedSession(transaction: Transaction, key: Buffer, now: number): void {
  const session = sessionOf(transaction, key)
  if (session !== undefined && hasEnded(session, now)) forget(transaction, key, session)
}

function store(transaction: Transaction, key: Buffer, before: NamedSession | undefined, after: NamedSession): void {
  const dueBefore = before?.expiresAt ?? NEVER
  if (dueBefore !== after.expiresAt) {
    if (dueBefore < NEVER) transaction.delete(dueKey(dueBefore, key))
    if (after.expiresAt < NEVER) transaction.addDue(after.expiresAt, key)
  }
  transaction.put(key, encode(after))
}

function forget(transaction: Transaction, key: Buffer, { epoch, expiresAt }: NamedSession): void {
  if (expiresAt < NEVER) transaction.delete(dueKey(expiresAt, key))
  transaction.delete(key)
  raiseFloor(transaction, { epoch })
}

/** A session that was not closed waits for its client. */
function hasEnded({ held, expiresAt }: NamedSession, now: number): boolean {
  return !held && expiresAt <= now && expiresAt < NEVER
}

function sessionOf(transaction: Transaction, key: Buffer): NamedSession | undefined {
  const bytes = transaction.get(key)
  return bytes && orDamaged(() => decode(bytes))
}

function encode({ epoch, held, expiresAt, state }: NamedSession): Buffer {
  const out = new ValueWriter(HEAD_BYTES + (state?.byteLength ?? 0))
    .byte(VERSION)
    .byte((held ? HELD : 0) | (state === undefined ? 0 : HAS_STATE))
    .number(epoch)
    .wide(clamp(expiresAt))
  return (state === undefined ? out : out.raw(state)).done()
}

function decode(bytes: Buffer): NamedSession {
  const from = new ValueReader(bytes)
  if (from.byte() !== VERSION) throw new RangeError('a session by name has a format of another version')
  const flags = from.byte()
  const epoch = from.number()
  const expiresAt = from.wide()
  const state = (flags & HAS_STATE) === 0 ? undefined : from.rest()
  return { epoch, held: (flags & HELD) !== 0, expiresAt, state }
}
