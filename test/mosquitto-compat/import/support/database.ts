/** The bytes of a mosquitto.db. */

type Qos = 0 | 1 | 2

export function database(version: number, chunks: readonly Buffer[]): Buffer {
  const head = Buffer.concat([Buffer.from([0x00, 0xb5, 0x00]), Buffer.from('mosquitto db'), Buffer.alloc(8)])
  head.writeUInt32BE(version, 19)
  return Buffer.concat([head, ...chunks])
}

export function chunk(kind: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(kind, 0)
  head.writeUInt32BE(bytes.byteLength, 4)
  return Buffer.concat([head, bytes])
}

interface MessageFields {
  readonly id: bigint
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  /** Seconds since the epoch. */
  readonly expiry?: bigint
}

export function message({ id, topic, payload, qos, expiry = 0n }: MessageFields): Buffer {
  const fixed = Buffer.alloc(32)
  fixed.writeBigUInt64LE(id, 0)
  fixed.writeBigInt64LE(expiry, 8)
  fixed.writeUInt32BE(Buffer.byteLength(payload), 16)
  fixed.writeUInt16BE(Buffer.byteLength(topic), 26)
  fixed.writeUInt8(qos, 30)
  return chunk(2, Buffer.concat([fixed, Buffer.from(topic), Buffer.from(payload)]))
}

export function client(version: 5 | 6, { clientId, username = '' }: { clientId: string; username?: string }): Buffer {
  const fixed = Buffer.alloc(version === 6 ? 24 : 16)
  fixed.writeUInt32BE(0xffff_ffff, 8)
  fixed.writeUInt16BE(Buffer.byteLength(clientId), 14)
  if (version === 6) fixed.writeUInt16BE(Buffer.byteLength(username), 18)
  return chunk(6, Buffer.concat([fixed, Buffer.from(clientId), Buffer.from(version === 6 ? username : '')]))
}

interface ClientMessageFields {
  readonly id: bigint
  readonly clientId: string
  readonly qos: Qos
  readonly state: number
  readonly direction: 0 | 1
  readonly packetId?: number
}

export function clientMessage({ id, clientId, qos, state, direction, packetId = 0 }: ClientMessageFields): Buffer {
  const fixed = Buffer.alloc(16)
  fixed.writeBigUInt64LE(id, 0)
  fixed.writeUInt16BE(packetId, 8)
  fixed.writeUInt16BE(Buffer.byteLength(clientId), 10)
  fixed.writeUInt8(qos, 12)
  fixed.writeUInt8(state, 13)
  fixed.writeUInt8(direction, 15)
  return chunk(3, Buffer.concat([fixed, Buffer.from(clientId)]))
}

interface SubscriptionFields {
  readonly clientId: string
  readonly filter: string
  readonly qos: Qos
  readonly identifier?: number
}

export function subscription({ clientId, filter, qos, identifier = 0 }: SubscriptionFields): Buffer {
  const fixed = Buffer.alloc(12)
  fixed.writeUInt32BE(identifier, 0)
  fixed.writeUInt16BE(Buffer.byteLength(clientId), 4)
  fixed.writeUInt16BE(Buffer.byteLength(filter), 6)
  fixed.writeUInt8(qos, 8)
  return chunk(5, Buffer.concat([fixed, Buffer.from(clientId), Buffer.from(filter)]))
}

export function retain(id: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(id)
  return chunk(4, bytes)
}
