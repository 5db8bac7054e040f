/** Packets as large as they may be, and full of what costs most. */
import { Buffer } from 'node:buffer'

function field(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function variableByteInteger(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([first]), variableByteInteger(body.length), body])
}

function withLength(properties: Buffer): Buffer {
  return Buffer.concat([variableByteInteger(properties.length), properties])
}

const PACKET_ID = Buffer.from([0, 9])
const NO_PROPERTIES = Buffer.from([0])
const EMPTY_USER_PROPERTY = Buffer.from([0x26, 0, 0, 0, 0])

/** As many as fit. */
function fill(bytes: number, one: (number: number) => Buffer): Buffer {
  const all: Buffer[] = []
  for (let left = bytes, number = 0; ; number++) {
    const next = one(number)
    left -= next.length
    if (left < 0) return Buffer.concat(all)
    all.push(next)
  }
}

function ofOneName(bytes: number): Buffer {
  return withLength(fill(bytes, () => EMPTY_USER_PROPERTY))
}

function ofManyNames(bytes: number): Buffer {
  const one = (number: number) => Buffer.concat([Buffer.from([0x26]), field(number.toString(36)), Buffer.from([0, 0])])
  return withLength(fill(bytes, one))
}

const filterSets: Record<string, (number: number) => string> = {
  'many filters': (number) => number.toString(36),
  'one filter again and again': () => 'chat/1.0.0',
  'shared filters': (number) => `$share/g/${number.toString(36)}`,
  'deep filters': (number) => `${'+/'.repeat(99)}${number.toString(36)}`,
}

/** By what they are; `topic` is one that the client may publish to. */
export function worstPackets(bytes: number, topic: string): Record<string, Buffer> {
  const room = bytes - topic.length - 32
  const properties = ofOneName(room)
  const packets: Record<string, Buffer> = {
    'PUBLISH with user properties of one name': packet(0x32, field(topic), PACKET_ID, properties),
    'PUBLISH with user properties of many names': packet(0x32, field(topic), PACKET_ID, ofManyNames(room)),
    'PUBREL with user properties': packet(0x62, PACKET_ID, NO_PROPERTIES, properties),
    'SUBSCRIBE with user properties': packet(0x82, PACKET_ID, properties, field('a'), Buffer.from([1])),
    'UNSUBSCRIBE with user properties': packet(0xa2, PACKET_ID, properties, field('a')),
    'DISCONNECT with user properties': packet(0xe0, NO_PROPERTIES, properties),
  }
  for (const [what, filter] of Object.entries(filterSets)) {
    const subscriptions = fill(room, (number) => Buffer.concat([field(filter(number)), Buffer.from([1])]))
    packets[`SUBSCRIBE of ${what}`] = packet(0x82, PACKET_ID, NO_PROPERTIES, subscriptions)
    const filters = fill(room, (number) => field(filter(number)))
    packets[`UNSUBSCRIBE of ${what}`] = packet(0xa2, PACKET_ID, NO_PROPERTIES, filters)
  }
  return packets
}

export interface Login {
  readonly username: string
  readonly password: string
  readonly clientId: string
  /** The session is kept. */
  readonly kept?: boolean
}

/** CONNECT of MQTT 5; with a will to `topic` full of user properties where it is named. */
export function connectOf({ username, password, clientId, kept = false }: Login, topic?: string, bytes = 0): Buffer {
  const will = topic === undefined ? [] : [ofOneName(bytes - 2_000), field(topic), field('gone')]
  const flags = 0xc0 | (kept ? 0 : 2) | (topic === undefined ? 0 : 4)
  const properties = withLength(kept ? Buffer.from([0x11, 0xff, 0xff, 0xff, 0xff]) : Buffer.alloc(0))
  return packet(
    0x10,
    field('MQTT'),
    Buffer.from([5, flags, 0, 0]),
    properties,
    field(clientId),
    ...will,
    field(username),
    field(password),
  )
}
