/** The reason codes that each packet allows. An error has one code, which not every packet allows. */
import { Reason } from './packets.ts'

/** Section 3.2.2.2. */
const CONNACK: ReadonlySet<number> = new Set([
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
  0x9c, 0x9d, 0x9f,
])

/** Section 3.14.2.1, without what only clients send. */
const DISCONNECT: ReadonlySet<number> = new Set([
  0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
  0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
])

/** Sections 3.4.2.1 and 3.5.2.1: PUBACK and PUBREC. */
const PUBACK: ReadonlySet<number> = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])

/** [MQTT-3.2.2-8]: where the session cannot be had now, another try may have it. */
export function connackReason(reason: number): number {
  return CONNACK.has(reason) ? reason : Reason.serverUnavailable
}

/** [MQTT-3.14.2-1] */
export function disconnectReason(reason: number): number {
  return DISCONNECT.has(reason) ? reason : Reason.implementationSpecificError
}

/** [MQTT-3.4.2-1] [MQTT-3.5.2-1] */
export function pubackReason(reason: number): number {
  return PUBACK.has(reason) ? reason : Reason.implementationSpecificError
}
