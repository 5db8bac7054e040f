/** Decoders in the state that a test needs, and what comes out of them in a comparable form. */
import { Buffer } from 'node:buffer'
import { Decoder, type DecoderLimits, ProtocolViolation } from '../../../broker/codec/decoder.ts'
import type { Packet, ProtocolLevel } from '../../../broker/codec/packets.ts'
import { DEFAULT_LIMITS } from '../../../common/limits.ts'
import { wire } from './wire.ts'

const CONNECTS: Record<ProtocolLevel, string> = {
  3: '10 ~ "MQIsdp" 03 02 003c "c"',
  4: '10 ~ "MQTT" 04 02 003c "c"',
  5: '10 ~ "MQTT" 05 02 003c () "c"',
}

/** Before its CONNECT. */
export function unconnected(limits?: Partial<DecoderLimits>): Decoder {
  return new Decoder({ ...DEFAULT_LIMITS, ...limits })
}

/** After a CONNECT of that level, or of these bytes. */
export function connected(connect: ProtocolLevel | Buffer, limits?: Partial<DecoderLimits>): Decoder {
  const decoder = unconnected(limits)
  decoder.push(typeof connect === 'number' ? wire(CONNECTS[connect]) : connect)
  if (decoder.next()?.type !== 'connect') throw new Error('CONNECT was expected')
  return decoder
}

export function drain(decoder: Decoder): Packet[] {
  const packets: Packet[] = []
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) packets.push(packet)
  return packets
}

/** All packets of the bytes; throws what the decoder throws. */
export function decode(decoder: Decoder, ...chunks: Buffer[]): Packet[] {
  return chunks.flatMap((chunk) => {
    decoder.push(chunk)
    return drain(decoder)
  })
}

/** The violation that the bytes are refused with. */
export function refusal(decoder: Decoder, bytes: Buffer): ProtocolViolation {
  try {
    decode(decoder, bytes)
  } catch (error) {
    if (error instanceof ProtocolViolation) return error
    throw error
  }
  throw new Error('no violation')
}

/** A packet as plain values: views as hex, `raw` included. */
export function plain(packet: Packet): Record<string, unknown> {
  return { ...(plainValue({ ...packet }) as Record<string, unknown>), raw: packet.raw.toString('hex') }
}

function plainValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plainValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainValue(each)]))
}
