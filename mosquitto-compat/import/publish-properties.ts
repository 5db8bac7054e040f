/** Properties of a PUBLISH as mosquitto.db holds them (MQTT 5 section 3.3.2.3). */
import { type ByteReader, MosquittoDbError } from './byte-reader.ts'

export interface StoredProperties {
  /** As on the wire, without length prefix and without those of a delivery. */
  readonly content: Buffer
  readonly subscriptionIdentifiers: readonly number[]
}

const SUBSCRIPTION_IDENTIFIER = 0x0b
/** Message Expiry Interval, Subscription Identifier, Topic Alias. */
const OF_A_DELIVERY: ReadonlySet<number> = new Set([0x02, SUBSCRIPTION_IDENTIFIER, 0x23])

const READ: ReadonlyMap<number, (reader: ByteReader) => number | void> = new Map<
  number,
  (reader: ByteReader) => number | void
>([
  [0x01, (reader) => reader.skip(1)],
  [0x02, (reader) => reader.skip(4)],
  [0x03, skipText],
  [0x08, skipText],
  [0x09, skipText],
  [SUBSCRIPTION_IDENTIFIER, variableByteInteger],
  [0x23, (reader) => reader.skip(2)],
  [
    0x26,
    (reader) => {
      skipText(reader)
      skipText(reader)
    },
  ],
])

/** All that is left of a chunk; nothing is none. @throws MosquittoDbError */
export function readProperties(reader: ByteReader, bytes: Buffer): StoredProperties {
  const content: Buffer[] = []
  const subscriptionIdentifiers: number[] = []
  if (reader.left === 0) return { content: Buffer.alloc(0), subscriptionIdentifiers }
  const at = reader.offset
  const length = variableByteInteger(reader)
  if (length !== reader.left) throw new MosquittoDbError(at, 'properties are longer or shorter than they say')
  while (reader.left > 0) {
    const start = reader.offset
    const id = reader.uint8()
    const read = READ.get(id)
    if (read === undefined) throw new MosquittoDbError(start, `property ${id} is none of a PUBLISH`)
    const value = read(reader)
    if (id === SUBSCRIPTION_IDENTIFIER && value !== undefined) subscriptionIdentifiers.push(value)
    if (!OF_A_DELIVERY.has(id)) content.push(bytes.subarray(start, reader.offset))
  }
  return { content: Buffer.concat(content), subscriptionIdentifiers }
}

function skipText(reader: ByteReader): void {
  reader.skip(reader.uint16())
}

function variableByteInteger(reader: ByteReader): number {
  const at = reader.offset
  let value = 0
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = reader.uint8()
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return value
  }
  throw new MosquittoDbError(at, 'a number has no end')
}
