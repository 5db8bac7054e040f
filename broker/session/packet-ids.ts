/**
 * Packet ids are computed, not counted: a message of a log has the same packet id whenever and by whichever node it is
 * sent, so that a resumed session sees its unacknowledged messages again under their ids [MQTT-4.4.0-1].
 * Three ranges keep the private log, the broadcast log and retained messages sent on subscribing apart.
 */
import { OFFSET_CYCLE } from '../../store/contract.ts'

const RETAINED_IDS = 1023
const RANGE = OFFSET_CYCLE
const PRIVATE_BASE = RETAINED_IDS + 1
const BROADCAST_BASE = PRIVATE_BASE + RANGE

/** 1,024 to 33,279 */
export function privatePacketId(offset: number): number {
  return PRIVATE_BASE + (offset % RANGE)
}

/** 33,280 to 65,535 */
export function broadcastPacketId(offset: number): number {
  return BROADCAST_BASE + (offset % RANGE)
}

/** 1 to 1,023; undefined if all are in use. */
export function freeRetainedPacketId(used: ReadonlyMap<number, unknown>): number | undefined {
  for (let id = 1; id <= RETAINED_IDS; id++) if (!used.has(id)) return id
  return undefined
}

export function rangeOf(packetId: number): 'retained' | 'private' | 'broadcast' {
  if (packetId < PRIVATE_BASE) return 'retained'
  return packetId < BROADCAST_BASE ? 'private' : 'broadcast'
}
