/** What the store keeps of a device session between connections (MQTT 5 section 4.1, MQTT 3.1.1 section 3.1.2.4). */
import type { QoS } from '../codec/packets.ts'

export interface Subscription {
  readonly filter: string
  /** Granted: 0 or 1. */
  readonly qos: QoS
  readonly retainAsPublished: boolean
  /** 0 for none. */
  readonly identifier: number
  /** The retained message of this topic is due to the client: not sent, or not acknowledged. */
  retainedDue: boolean
  /** Sent on subscribing, and not acknowledged: sent again, it has the same packet id [MQTT-4.4.0-1]. */
  retainedSent?: RetainedSent | undefined
}

interface RetainedSent {
  readonly packetId: number
  readonly offset: number
}

export interface SessionState {
  readonly subscriptions: readonly Subscription[]
  /** Sent up to here, acknowledged or not: what is sent again goes out with DUP [MQTT-3.3.1-1]. */
  readonly sentPrivate: number
  readonly sentBroadcast: number
  /** Offsets of log entries that go out with RETAIN = 1, each time they are sent; 0 for none. */
  readonly retainedPrivate: number
  readonly retainedBroadcast: number
}

type Row = [
  filter: string,
  qos: QoS,
  retainAsPublished: 0 | 1,
  identifier: number,
  retainedDue: 0 | 1,
  retainedSent?: [packetId: number, offset: number],
]

interface Stored {
  readonly v: 1
  readonly s: Row[]
  readonly p: number
  readonly b: number
  /** Of the private and the broadcast log. */
  readonly o?: [retainedPrivate: number, retainedBroadcast: number]
}

export function encodeState(state: SessionState): Uint8Array {
  const stored: Stored = {
    v: 1,
    s: state.subscriptions.map(rowOf),
    p: state.sentPrivate,
    b: state.sentBroadcast,
    ...(state.retainedPrivate === 0 && state.retainedBroadcast === 0
      ? {}
      : { o: [state.retainedPrivate, state.retainedBroadcast] }),
  }
  return Buffer.from(JSON.stringify(stored))
}

function rowOf({ filter, qos, retainAsPublished, identifier, retainedDue, retainedSent }: Subscription): Row {
  const row: Row = [filter, qos, retainAsPublished ? 1 : 0, identifier, retainedDue ? 1 : 0]
  if (retainedSent !== undefined) row.push([retainedSent.packetId, retainedSent.offset])
  return row
}

/** The inverse; undefined for a form that this version does not know, which counts as no session. */
export function decodeState(bytes: Uint8Array): SessionState | undefined {
  const stored = JSON.parse(Buffer.from(bytes).toString('utf8')) as Stored
  if (stored.v !== 1) return undefined
  return {
    subscriptions: stored.s.map(([filter, qos, retainAsPublished, identifier, retainedDue, sent]) => ({
      filter,
      qos,
      retainAsPublished: retainAsPublished === 1,
      identifier,
      retainedDue: retainedDue === 1,
      ...(sent === undefined ? {} : { retainedSent: { packetId: sent[0], offset: sent[1] } }),
    })),
    sentPrivate: stored.p,
    sentBroadcast: stored.b,
    retainedPrivate: stored.o?.[0] ?? 0,
    retainedBroadcast: stored.o?.[1] ?? 0,
  }
}
