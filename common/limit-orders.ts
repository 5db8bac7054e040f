/** Which limits must fit together. */
import type { LimitName } from './limits.ts'

/** Two limits of the same unit that must fit together. */
export interface LimitOrder {
  readonly lower: LimitName
  readonly upper: LimitName
  /** Which of them gives way when it was not given. */
  readonly yields: 'lower' | 'upper'
  /** The upper one has room for so much, when the lower one is so much. */
  readonly room?: (lower: number) => number
  readonly why: string
}

/** Of what goes around the payload in a packet: topic, properties, packet id. */
const PACKET_ROOM = 1024

export const LIMIT_ORDERS: readonly LimitOrder[] = [
  {
    lower: 'defaultTokenTtl',
    upper: 'maximumTokenTtl',
    yields: 'lower',
    why: 'the usual life of a token is not longer than the longest',
  },
  {
    lower: 'defaultTtl',
    upper: 'maximumTtl',
    yields: 'lower',
    why: 'the usual time to live is not longer than the longest',
  },
  {
    lower: 'payloadBytes',
    upper: 'privateBytes',
    yields: 'upper',
    why: 'the largest payload fits into what waits for a device',
  },
  {
    lower: 'payloadBytes',
    upper: 'broadcastBytes',
    yields: 'upper',
    why: 'the largest payload fits into a broadcast log',
  },
  {
    lower: 'payloadBytes',
    upper: 'queuedBytes',
    yields: 'upper',
    why: 'the largest payload fits into what is held for a user',
  },
  {
    lower: 'queuedBytes',
    upper: 'queuedBytesInAll',
    yields: 'upper',
    why: 'what is held for one user fits into what is held for all',
  },
  {
    lower: 'payloadBytes',
    upper: 'diskBytes',
    yields: 'upper',
    room: (payload) => payload + PACKET_ROOM,
    why: 'the largest payload fits into what waits for the disk, with 1,024 bytes around it',
  },
  {
    lower: 'payloadBytes',
    upper: 'redisBytes',
    yields: 'upper',
    room: (payload) => payload + PACKET_ROOM,
    why: 'the largest payload fits into what waits for Redis, with 1,024 bytes around it',
  },
  {
    lower: 'payloadBytes',
    upper: 'bodyBytes',
    yields: 'upper',
    room: (payload) => Math.ceil(payload / 3) * 4 + PACKET_ROOM,
    why: 'the largest payload fits into a request, as base64 and with 1,024 bytes around it',
  },
  {
    lower: 'payloadBytes',
    upper: 'maximumPacketSize',
    yields: 'upper',
    room: (payload) => payload + PACKET_ROOM,
    why: 'the largest payload fits into a packet, with 1,024 bytes around it',
  },
  {
    lower: 'webhookCallsOfProvider',
    upper: 'webhookCalls',
    yields: 'lower',
    why: 'one provider has no more calls to receivers under way than there are in all',
  },
  {
    lower: 'webhooks',
    upper: 'webhooksInAll',
    yields: 'lower',
    why: 'one provider has no more webhooks than there are in all',
  },
  {
    lower: 'connectionsPerAddress',
    upper: 'connections',
    yields: 'upper',
    why: 'one address has no more connections than there are in all',
  },
]
