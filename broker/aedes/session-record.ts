/** What is kept of a session that Aedes serves, besides its subscriptions and its queue. */

import type { SharedSubscription } from './contract.ts'

/** Names a message among all: broker id and counter. */
export type MessageKey = string

export interface SessionRecord {
  /** The connection had not ended when this was written: what was sent since is not in it. */
  readonly open: boolean
  /** Milliseconds since the epoch; Infinity for never. */
  readonly expiresAt: number
  /** Packet ids of messages that were sent and not acknowledged [MQTT-4.4.0-1]. */
  readonly sent: ReadonlyMap<MessageKey, number>
  /** Packet ids of QoS 2 messages that the client has received: only PUBREL follows [MQTT-4.3.3-6]. */
  readonly released: ReadonlyMap<MessageKey, number>
  /** Packet ids of QoS 2 messages from the client that wait for PUBREL. */
  readonly received: readonly number[]
  /** Aedes knows nothing of these. */
  readonly shared: readonly SharedSubscription[]
}

interface Stored {
  readonly v: 1
  readonly o: 0 | 1
  readonly e: number | null
  readonly s: [MessageKey, number][]
  readonly l: [MessageKey, number][]
  readonly r: number[]
  readonly h?: SharedSubscription[]
}

export function encodeRecord(record: SessionRecord): Uint8Array {
  const stored: Stored = {
    v: 1,
    o: record.open ? 1 : 0,
    e: Number.isFinite(record.expiresAt) ? record.expiresAt : null,
    s: [...record.sent],
    l: [...record.released],
    r: [...record.received],
    ...(record.shared.length === 0 ? {} : { h: [...record.shared] }),
  }
  return Buffer.from(JSON.stringify(stored))
}

/** Undefined for a form that this version does not know, which counts as no session. */
export function decodeRecord(bytes: Uint8Array): SessionRecord | undefined {
  const stored = JSON.parse(Buffer.from(bytes).toString('utf8')) as Stored
  if (stored.v !== 1) return undefined
  return {
    open: stored.o === 1,
    expiresAt: stored.e ?? Number.POSITIVE_INFINITY,
    sent: new Map(stored.s),
    released: new Map(stored.l),
    received: stored.r,
    shared: stored.h ?? [],
  }
}
