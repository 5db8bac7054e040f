/** Limits that must fit together. */
import type { LimitName } from './limits.ts'

/** Two limits of the same unit that must fit together. */
export interface LimitOrder {
  readonly lower: LimitName
  readonly upper: LimitName
  /** Which of them is adjusted if it was not given. */
  readonly yields: 'lower' | 'upper'
  /** The minimum of the upper limit for a value of the lower one. */
  readonly room?: (lower: number) => number
  readonly why: string
}

/** Bytes reserved for what surrounds the payload: topic, properties, packet id. */
const PACKET_ROOM = 1024

export const LIMIT_ORDERS: readonly LimitOrder[] = [
  {
    lower: 'defaultTokenTtl',
    upper: 'maximumTokenTtl',
    yields: 'lower',
    why: 'the default lifetime of a token cannot exceed the maximum',
  },
  {
    lower: 'defaultTtl',
    upper: 'maximumTtl',
    yields: 'lower',
    why: 'the default time to live cannot exceed the maximum',
  },
  {
    lower: 'payloadBytes',
    upper: 'privateBytes',
    yields: 'upper',
    why: 'the largest payload must fit into the pending bytes of a device',
  },
  {
    lower: 'payloadBytes',
    upper: 'broadcastBytes',
    yields: 'upper',
    why: 'the largest payload must fit into a broadcast log',
  },
  {
    lower: 'payloadBytes',
    upper: 'queuedBytes',
    yields: 'upper',
    why: 'the largest payload must fit into the queue of a user',
  },
  {
    lower: 'queuedBytes',
    upper: 'queuedBytesInAll',
    yields: 'upper',
    why: 'the queue of one user must fit into the queues of all',
  },
  {
    lower: 'payloadBytes',
    upper: 'diskBytes',
    yields: 'upper',
    room: (payload) => payload + PACKET_ROOM,
    why: 'the largest payload and 1,024 bytes must fit into the bytes waiting for the disk',
  },
  {
    lower: 'payloadBytes',
    upper: 'redisBytes',
    yields: 'upper',
    room: (payload) => payload + PACKET_ROOM,
    why: 'the largest payload and 1,024 bytes must fit into the bytes waiting for Redis',
  },
  {
    lower: 'payloadBytes',
    upper: 'bodyBytes',
    yields: 'upper',
    room: (payload) => Math.ceil(payload / 3) * 4 + PACKET_ROOM,
    why: 'the largest payload as base64 and 1,024 bytes must fit into a request',
  },
  {
    lower: 'payloadBytes',
    upper: 'maximumPacketSize',
    yields: 'upper',
    room: (payload) => payload + PACKET_ROOM,
    why: 'the largest payload and 1,024 bytes must fit into a packet',
  },
  {
    lower: 'webhookCallsOfProvider',
    upper: 'webhookCalls',
    yields: 'lower',
    why: 'one provider cannot have more webhook calls in flight than all providers together',
  },
  {
    lower: 'webhooks',
    upper: 'webhooksInAll',
    yields: 'lower',
    why: 'one provider cannot have more webhooks than all providers together',
  },
  {
    lower: 'connectionsPerAddress',
    upper: 'connections',
    yields: 'upper',
    why: 'one address cannot have more connections than all addresses together',
  },
]
