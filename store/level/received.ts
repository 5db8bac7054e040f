/**
 * Packet ids of QoS 2 that a session received and that were not released: version (1), then a bit for each, from the byte
 * (2) of the lowest one on. The ids of a window are near each other, so that it is a few bytes.
 */
const VERSION = 1
const HEADER_BYTES = 3

export function isReceived(bytes: Buffer | undefined, packetId: number): boolean {
  if (bytes === undefined) return false
  const at = positionOf(bytes, packetId)
  return at >= HEADER_BYTES && at < bytes.length && (bytes.readUInt8(at) & bitOf(packetId)) !== 0
}

export function withReceived(bytes: Buffer | undefined, packetId: number): Buffer {
  const byte = packetId >> 3
  const first = bytes === undefined ? byte : Math.min(byte, bytes.readUInt16BE(1))
  const end = bytes === undefined ? byte + 1 : Math.max(byte + 1, endOf(bytes))
  const changed = copyOf(bytes, first, end)
  const at = positionOf(changed, packetId)
  changed.writeUInt8(changed.readUInt8(at) | bitOf(packetId), at)
  return changed
}

/** Undefined: none is left. */
export function withoutReceived(bytes: Buffer, packetId: number): Buffer | undefined {
  const cleared = Buffer.from(bytes)
  const at = positionOf(cleared, packetId)
  cleared.writeUInt8(cleared.readUInt8(at) & ~bitOf(packetId) & 0xff, at)
  let from = HEADER_BYTES
  let to = cleared.length
  while (from < to && cleared[from] === 0) from += 1
  if (from === to) return undefined
  while (cleared[to - 1] === 0) to -= 1
  const first = cleared.readUInt16BE(1)
  return copyOf(cleared, first + from - HEADER_BYTES, first + to - HEADER_BYTES)
}

/** The bytes from the first on, before the end. */
function copyOf(bytes: Buffer | undefined, first: number, end: number): Buffer {
  const copy = Buffer.alloc(HEADER_BYTES + end - first)
  copy.writeUInt8(VERSION, 0)
  copy.writeUInt16BE(first, 1)
  if (bytes === undefined) return copy
  const shift = bytes.readUInt16BE(1) - first
  if (shift >= 0) bytes.copy(copy, HEADER_BYTES + shift, HEADER_BYTES)
  else bytes.copy(copy, HEADER_BYTES, HEADER_BYTES - shift)
  return copy
}

function endOf(bytes: Buffer): number {
  return bytes.readUInt16BE(1) + bytes.length - HEADER_BYTES
}

function positionOf(bytes: Buffer, packetId: number): number {
  return HEADER_BYTES + (packetId >> 3) - bytes.readUInt16BE(1)
}

function bitOf(packetId: number): number {
  return 1 << (packetId & 7)
}
