/**
 * Retained messages of general topics, one value each: version (1), expiresAt (6), storedAt (6), flags (a number), QoS (1),
 * message id, properties when the flags say so, who published it likewise (which users, user, client id), then the payload. What it may have besides gets a flag and its place after
 * the properties; what an older program would misread, another version.
 */
import type { RetainedSource, RetainedTopic } from '../contract.ts'
import { clamp, type ValueReader, ValueWriter } from './bytes.ts'
import { type Database, orDamaged } from './database.ts'
import { dueKey, nameOf, retainedTopicKey, startingWith } from './keys.ts'
import { versioned } from './named-records.ts'
import { NEVER } from './records.ts'
import type { Transaction } from './transaction.ts'
import { keysIn } from './walk.ts'

const VERSION = 1
const PROPERTIES = 1
const SOURCE = 2
const HEAD_BYTES = 14
const LENGTH_BYTES = 8

/** An empty payload removes what is retained. */
export function retainTopic(transaction: Transaction, retained: RetainedTopic): void {
  const key = retainedTopicKey(retained.topic)
  const before = expiryOf(transaction, key)
  if (before !== undefined && before < NEVER) transaction.delete(dueKey(before, key))
  if (retained.payload.byteLength === 0) {
    if (before !== undefined) transaction.delete(key)
    return
  }
  const expiresAt = clamp(retained.expiresAt)
  transaction.put(key, encode(retained))
  if (expiresAt < NEVER) transaction.addDue(expiresAt, key)
}

/** It may have been retained again since it was due. */
export function sweepRetainedTopic(transaction: Transaction, key: Buffer, now: number): void {
  const expiresAt = expiryOf(transaction, key)
  if (expiresAt !== undefined && expiresAt <= now) transaction.delete(key)
}

export async function* retainedTopics(
  database: Database,
  now: () => number,
  prefix: string,
): AsyncIterable<RetainedTopic> {
  for await (const key of keysIn(database, startingWith(retainedTopicKey(prefix)))) {
    const bytes = database.get(key)
    if (bytes === undefined) continue
    const retained = orDamaged(() => decode(nameOf(key), bytes))
    if (retained.expiresAt > now()) yield retained
  }
}

function expiryOf(transaction: Transaction, key: Buffer): number | undefined {
  const bytes = transaction.get(key)
  return bytes && orDamaged(() => versioned(bytes).wide())
}

function encode({ id, payload, properties, source, storedAt, expiresAt, qos }: RetainedTopic): Buffer {
  const texts = [id, ...textsOf(source)].reduce((sum, each) => sum + each.length * 3 + LENGTH_BYTES, 0)
  const size = HEAD_BYTES + 2 * LENGTH_BYTES + texts + (properties?.byteLength ?? 0) + payload.byteLength
  const out = new ValueWriter(size)
    .byte(VERSION)
    .wide(clamp(expiresAt))
    .wide(clamp(storedAt))
    .number((properties === undefined ? 0 : PROPERTIES) | (source === undefined ? 0 : SOURCE))
    .byte(qos)
    .text(id)
  if (properties !== undefined) out.blob(properties)
  for (const text of textsOf(source)) out.text(text)
  return out.raw(payload).done()
}

function textsOf(source: RetainedSource | undefined): readonly string[] {
  return source === undefined ? [] : [source.users, source.user, source.clientId]
}

function decode(topic: string, bytes: Buffer): RetainedTopic {
  const from = versioned(bytes)
  const expiresAt = from.wide()
  const storedAt = from.wide()
  const flags = from.number()
  const qos = qosOf(from.byte())
  const id = from.text()
  const properties = (flags & PROPERTIES) === 0 ? undefined : from.blob()
  const source = (flags & SOURCE) === 0 ? {} : { source: sourceOf(from) }
  const retained = { topic, qos, id, payload: from.rest(), retain: true, storedAt, expiresAt, ...source }
  return properties === undefined ? retained : { ...retained, properties }
}

function sourceOf(from: ValueReader): RetainedSource {
  const users = from.text()
  const user = from.text()
  return { users, user, clientId: from.text() }
}

function qosOf(value: number): 0 | 1 | 2 {
  if (value === 0 || value === 1 || value === 2) return value
  throw new RangeError('a retained message has a QoS that there is not')
}
