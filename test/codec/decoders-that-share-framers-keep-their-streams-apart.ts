// Do decoders that share their framers each give the packets of their own stream, whoever else is cut, closed or refused in between?
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { Decoder, ProtocolViolation } from '../../broker/codec/decoder.ts'
import { Framers } from '../../broker/codec/framing.ts'
import type { Packet } from '../../broker/codec/packets.ts'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import { decode, plain, unconnected } from './support/decoding.ts'
import { type Stream, streams, written } from './support/streams.ts'

/** How a connection ends before its stream does. */
type End = 'closed' | 'refused'

interface Step {
  /** Whose turn it is. */
  readonly peer: number
  /** Bytes that arrive, or the rest of a packet. */
  readonly size: number | 'packet'
  /** Packets that are asked for then: a connection that is busy leaves the rest for later. */
  readonly most: number
}

/** Spans chunks, and grows what gathers it. */
const LARGE = Buffer.alloc(30_000, 'x')
/** More than any packet may still lack; what follows is a header that no packet has. */
const GARBAGE = Buffer.alloc(LARGE.length * 2, 0xff)
const peers = fc.array(fc.record({ stream: streams, isLarge: fc.boolean() }), { minLength: 3, maxLength: 5 })
const steps = fc.array(
  fc.record({
    peer: fc.nat(4),
    size: fc.oneof(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 60 }),
      fc.constant(9_000),
      fc.constant<'packet'>('packet'),
    ),
    most: fc.oneof(fc.nat(2), fc.constant(Number.POSITIVE_INFINITY)),
  }),
  { minLength: 1, maxLength: 80 },
)
const ends = fc.record({ at: fc.nat(79), how: fc.constantFrom<End>('closed', 'refused') })

/** One connection: what arrives, and what came out of it. */
class Peer {
  readonly stream: Buffer
  readonly packets: Packet[] = []
  readonly decoder: Decoder
  /** Where each packet ends in the stream. */
  readonly #ends: readonly number[]
  #at = 0

  constructor({ level, packets }: Stream, isLarge: boolean, framers: Framers) {
    const large = isLarge ? [written({ cmd: 'publish', topic: 'a', payload: LARGE, qos: 0 } as never, level)] : []
    const [connect, ...others] = packets.map((packet) => written(packet, level))
    let end = 0
    const all = [...(connect === undefined ? [] : [connect]), ...large, ...others]
    this.stream = Buffer.concat(all)
    this.#ends = all.map(({ length }) => (end += length))
    this.decoder = new Decoder(DEFAULT_LIMITS, framers)
  }

  arrive(size: number | 'packet'): void {
    const end = this.#ends.find((one) => one > this.#at) ?? this.stream.length
    const to = size === 'packet' ? end : Math.min(this.stream.length, this.#at + size)
    this.decoder.push(Buffer.from(this.stream.subarray(this.#at, to)))
    this.#at = to
  }

  /** Packets are kept as they are: nothing in them may change once the framer is another decoder's. */
  read(most: number): void {
    for (let count = 0; count < most; count += 1) {
      const packet = this.decoder.next()
      if (packet === undefined) return
      this.packets.push(packet)
    }
  }

  /** From here on nothing arrives, and nobody asks. */
  end(how: End): void {
    if (how === 'closed') return
    try {
      decode(this.decoder, Buffer.from(GARBAGE))
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
    }
    // Also by a DISCONNECT that had arrived.
    if (!this.decoder.ended) throw new Error('garbage was not refused')
  }
}

const asText = (packets: readonly Packet[]): string => JSON.stringify(packets.map(plain))

/** The first of them ends before step `at`. */
function run(all: readonly Peer[], turns: readonly Step[], { at, how }: { at: number; how: End }): void {
  const [ended] = all
  for (const [turn, { peer, size, most }] of turns.entries()) {
    if (turn === at % turns.length) ended?.end(how)
    const one = all[peer % all.length]
    if (one === undefined || (one === ended && turn >= at % turns.length)) continue
    one.arrive(size)
    one.read(most)
  }
  for (const one of all.slice(1)) {
    one.arrive(one.stream.length)
    one.read(Number.POSITIVE_INFINITY)
  }
}

t.test('streams that are cut anywhere and interleaved, one of which ends early', async (t) => {
  fc.assert(
    fc.property(peers, steps, ends, (peers, steps, end) => {
      const framers = new Framers()
      const all = peers.map(({ stream, isLarge }) => new Peer(stream, isLarge, framers))
      run(all, steps, end)
      return all.every(({ stream, packets, decoder }, place) => {
        const own = decode(unconnected(), Buffer.from(stream))
        if (place === 0) return asText(packets) === asText(own.slice(0, packets.length))
        return asText(packets) === asText(own) && decoder.buffered === 0
      })
    }),
    { numRuns: 500 },
  )
  t.pass('500 cases')
})
