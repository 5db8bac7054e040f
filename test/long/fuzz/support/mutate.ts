/** Changes to well-formed packets, of the kinds that break parsers. */
import { Buffer } from 'node:buffer'
import { PROPERTY_TYPES } from '../../../../broker/codec/property-ids.ts'
import type { SeededRandom } from '../../../support/random.ts'
import { variableByteInteger } from '../../../hostile/support/wire.ts'

/** A packet taken apart: everything after the remaining length is the body. */
interface Parts {
  readonly first: number
  readonly body: Buffer
}

type Mutation = (parts: Parts, random: SeededRandom, other: Buffer) => Parts

const EXTREME_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff]
const EXTREME_NUMBERS = ['0000', '0001', '7fff', '8000', 'ffff', '00000000', 'ffffffff', '80000000', 'ffffff7f', '8000']
/** Overlong, a surrogate, cut short, beyond U+10FFFF, NUL, a lone continuation, a byte order mark, U+FFFF. */
const BAD_TEXT = ['c080', 'eda080', 'e282', 'f4908080', '00', '80', 'efbbbf', 'efbfbf', '23', '2b']
const LYING_LENGTHS = ['00', '01', '7f', '8000', '8001', 'ff7f', 'ffff7f', 'ffffff7f', 'ffffffff', '808080808001']

/** The packet with one to three changes; its remaining length is mostly put right, so that what is behind is read too. */
export function mutate(packet: Buffer, random: SeededRandom, other: Buffer): Buffer {
  let parts = takeApart(packet)
  for (let count = random.chance(0.8) ? 1 : random.between(2, 3); count > 0; count--)
    parts = random.pick(MUTATIONS)(parts, random, other)
  const length = random.chance(0.97) ? variableByteInteger(parts.body.length) : lie(random)
  return Buffer.concat([Buffer.from([parts.first]), length, parts.body])
}

function lie(random: SeededRandom): Buffer {
  return Buffer.from(random.pick(LYING_LENGTHS), 'hex')
}

function takeApart(packet: Buffer): Parts {
  let start = 1
  while (start < packet.length - 1 && (packet[start] ?? 0) > 0x7f) start++
  return { first: packet[0] ?? 0, body: packet.subarray(start + 1) }
}

/** The body with what lies between `from` and `to` replaced. */
function splice(body: Buffer, from: number, to: number, content: Uint8Array): Buffer {
  return Buffer.concat([body.subarray(0, from), content, body.subarray(to)])
}

const somewhere = (body: Buffer, random: SeededRandom) => random.between(0, body.length)

/** In the first byte, mostly among its flags, or anywhere behind. */
function flipBit({ first, body }: Parts, random: SeededRandom): Parts {
  const at = random.between(-1, body.length - 1)
  const bit = 1 << random.between(0, 7)
  if (at < 0) return { first: first ^ (random.chance(0.7) ? bit & 0x0f : bit), body }
  return { first, body: splice(body, at, at + 1, Buffer.from([(body[at] ?? 0) ^ bit])) }
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  ({ first, body }, random) => ({ first, body: overwrite(body, random, Buffer.from([random.pick(EXTREME_BYTES)])) }),
  ({ first, body }, random) => ({
    first,
    body: overwrite(body, random, Buffer.from(random.pick(EXTREME_NUMBERS), 'hex')),
  }),
  ({ first, body }, random) => ({ first, body: overwrite(body, random, Buffer.from(random.pick(BAD_TEXT), 'hex')) }),
  ({ first, body }, random) => ({ first, body: body.subarray(0, somewhere(body, random)) }),
  ({ first, body }, random) => ({ first, body: body.subarray(0, Math.max(0, body.length - random.between(1, 3))) }),
  ({ first, body }, random) => {
    const at = somewhere(body, random)
    return { first, body: splice(body, at, at, noise(random)) }
  },
  ({ first, body }, random) => {
    const from = somewhere(body, random)
    return { first, body: splice(body, from, Math.min(body.length, from + random.between(1, 8)), Buffer.alloc(0)) }
  },
  ({ first, body }, random, other) => {
    const tail = takeApart(other).body
    return {
      first,
      body: Buffer.concat([body.subarray(0, somewhere(body, random)), tail.subarray(somewhere(tail, random))]),
    }
  },
  ({ first, body }, _random, other) => ({ first, body: Buffer.concat([body, takeApart(other).body]) }),
  ({ body }, random) => ({ first: random.between(0, 255), body }),
  duplicateProperty,
  duplicateProperty,
  moveProperty,
  moveProperty,
]

function overwrite(body: Buffer, random: SeededRandom, content: Buffer): Buffer {
  const at = somewhere(body, random)
  return splice(body, at, Math.min(body.length, at + content.length), content)
}

function noise(random: SeededRandom): Buffer {
  // Rarely more than the packet limit's share of a small packet: most faults are in the first bytes.
  const length = random.chance(0.995) ? random.between(1, 8) : random.between(100, 70_000)
  return Buffer.alloc(length, random.between(0, 255))
}

/** Where the properties of an MQTT 5 packet are. */
interface PropertyPlaces {
  /** The property length itself. */
  readonly lengthAt: number
  readonly start: number
  readonly end: number
  /** The first byte of each, and the end of the last. */
  readonly marks: readonly number[]
}

/** Bytes before the property length, by packet type; PUBLISH has a topic there. */
const FIXED_PARTS: Readonly<Record<number, number>> = { 1: 10, 4: 3, 5: 3, 6: 3, 7: 3, 8: 2, 10: 2, 14: 1, 15: 1 }

function findProperties({ first, body }: Parts): PropertyPlaces | undefined {
  const lengthAt = first >> 4 === 3 ? endOfText(body, 0) + ((first & 6) === 0 ? 0 : 2) : FIXED_PARTS[first >> 4]
  if (lengthAt === undefined || lengthAt >= body.length) return undefined
  const length = body[lengthAt] ?? 0
  if (length > 0x7f) return undefined
  const start = lengthAt + 1
  const end = start + length
  if (end > body.length) return undefined
  const marks = [start]
  for (let at = start; at < end; ) {
    at = endOfProperty(body, at)
    if (at > end) return undefined
    marks.push(at)
  }
  return { lengthAt, start, end, marks }
}

function endOfText(body: Buffer, at: number): number {
  return at + 2 + ((body[at] ?? 0) << 8) + (body[at + 1] ?? 0)
}

function endOfProperty(body: Buffer, at: number): number {
  const value = at + 1
  switch (PROPERTY_TYPES[body[at] ?? 0]) {
    case 'byte':
      return value + 1
    case 'twoByteInteger':
      return value + 2
    case 'fourByteInteger':
      return value + 4
    case 'text':
    case 'binary':
      return endOfText(body, value)
    case 'textPair':
      return endOfText(body, endOfText(body, value))
    default: {
      let last = value
      while ((body[last] ?? 0) > 0x7f) last++
      return last + 1
    }
  }
}

function withProperties({ first, body }: Parts, places: PropertyPlaces, properties: Buffer): Parts {
  const all = Buffer.concat([variableByteInteger(properties.length), properties])
  return { first, body: splice(body, places.lengthAt, places.end, all) }
}

/** A property once more: of this packet, or one of another packet, which may have no place in this one. */
function duplicateProperty(parts: Parts, random: SeededRandom, other: Buffer): Parts {
  const places = findProperties(parts)
  if (places === undefined) return parts
  const foreign = takeApart(other)
  const from = random.chance(0.5) ? foreign : parts
  const source = findProperties(from)
  if (source === undefined || source.marks.length < 2) return parts
  const which = random.between(0, source.marks.length - 2)
  const one = from.body.subarray(source.marks[which], source.marks[which + 1])
  return withProperties(parts, places, splice(parts.body.subarray(places.start, places.end), 0, 0, one))
}

/** A property behind the others, or out of its packet's properties to the end of the packet. */
function moveProperty(parts: Parts, random: SeededRandom): Parts {
  const places = findProperties(parts)
  if (places === undefined || places.marks.length < 2) return parts
  const which = random.between(0, places.marks.length - 2)
  const [from = 0, to = 0] = places.marks.slice(which, which + 2)
  const one = parts.body.subarray(from, to)
  const rest = Buffer.concat([parts.body.subarray(places.start, from), parts.body.subarray(to, places.end)])
  if (random.chance(0.5)) return withProperties(parts, places, Buffer.concat([rest, one]))
  const { first, body } = withProperties(parts, places, rest)
  return { first, body: Buffer.concat([body, one]) }
}
