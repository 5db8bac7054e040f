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
}

export interface SessionState {
  readonly subscriptions: readonly Subscription[]
  /** Sent up to here, acknowledged or not: what is sent again goes out with DUP [MQTT-3.3.1-1]. */
  readonly sentPrivate: number
  readonly sentBroadcast: number
  /** Packet ids of QoS 2 messages from the client that wait for PUBREL. */
  readonly received: readonly number[]
}

type Row = [filter: string, qos: QoS, retainAsPublished: 0 | 1, identifier: number, retainedDue: 0 | 1]

interface Stored {
  readonly v: 1
  readonly s: Row[]
  readonly p: number
  readonly b: number
  readonly r: number[]
}

export function encodeState(state: SessionState): Uint8Array {
  const stored: Stored = {
    v: 1,
    s: state.subscriptions.map(({ filter, qos, retainAsPublished, identifier, retainedDue }) => [
      filter,
      qos,
      retainAsPublished ? 1 : 0,
      identifier,
      retainedDue ? 1 : 0,
    ]),
    p: state.sentPrivate,
    b: state.sentBroadcast,
    r: [...state.received],
  }
  return Buffer.from(JSON.stringify(stored))
}

/** The inverse; undefined for a form that this version does not know, which counts as no session. */
export function decodeState(bytes: Uint8Array): SessionState | undefined {
  const stored = JSON.parse(Buffer.from(bytes).toString('utf8')) as Stored
  if (stored.v !== 1) return undefined
  return {
    subscriptions: stored.s.map(([filter, qos, retainAsPublished, identifier, retainedDue]) => ({
      filter,
      qos,
      retainAsPublished: retainAsPublished === 1,
      identifier,
      retainedDue: retainedDue === 1,
    })),
    sentPrivate: stored.p,
    sentBroadcast: stored.b,
    received: stored.r,
  }
}
