/**
 * A retained message as a packet of Aedes, which its persistence keeps. What a packet has no place for goes along in `push`:
 * version (1), storedAt and expiresAt (8 each), the id as MQTT writes text, in version 2 who published it (which users, user,
 * client id), then the properties as on the wire. What it may have besides makes another version.
 */
import type { RetainedSource, RetainedTopic } from '../../store/contract.ts'
import { ByteReader } from '../codec/byte-reader.ts'
import { ByteWriter } from '../codec/byte-writer.ts'
import { messageOf, type NativePacket } from './native-packet.ts'

export interface RetainedPacket extends NativePacket {
  readonly push?: Uint8Array
}

const VERSION = 1
const WITH_SOURCE = 2
const TIMES_END = 17

export function retainedPacketOf(retained: RetainedTopic): RetainedPacket {
  const { topic, payload, qos, id, storedAt, expiresAt, properties, source } = retained
  const writer = new ByteWriter()
  const times = Buffer.alloc(TIMES_END - 1)
  times.writeDoubleBE(expiresAt, times.writeDoubleBE(storedAt))
  writer.byte(source === undefined ? VERSION : WITH_SOURCE)
  writer.raw(times)
  writer.text(id)
  if (source !== undefined) for (const each of [source.users, source.user, source.clientId]) writer.text(each)
  if (properties !== undefined) writer.raw(properties)
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  return { cmd: 'publish', topic, payload: bytes, qos, retain: true, dup: false, push: writer.finish() }
}

/** One without `push` was retained by a client of Aedes, or by an earlier version of this program. */
export function retainedTopicOf(packet: RetainedPacket, now: number): RetainedTopic {
  const { push } = packet
  if (push === undefined || (push[0] !== VERSION && push[0] !== WITH_SOURCE))
    return messageOf(packet, { from: '', id: '-', now })
  const bytes = Buffer.from(push.buffer, push.byteOffset, push.byteLength)
  const reader = new ByteReader()
  reader.bytes = bytes
  reader.position = TIMES_END
  reader.end = bytes.byteLength
  const id = reader.text('id')
  const source = push[0] === WITH_SOURCE ? { source: sourceOf(reader) } : {}
  const properties = bytes.subarray(reader.position)
  const { topic, payload, qos } = packet
  const times = { storedAt: bytes.readDoubleBE(1), expiresAt: bytes.readDoubleBE(9) }
  const retained = { topic, payload: Buffer.from(payload), qos, id, retain: true, ...times, ...source }
  return properties.byteLength === 0 ? retained : { ...retained, properties }
}

function sourceOf(reader: ByteReader): RetainedSource {
  const users = reader.text('users')
  const user = reader.text('user')
  return { users, user, clientId: reader.text('client id') }
}
