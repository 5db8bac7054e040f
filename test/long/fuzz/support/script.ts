/** One connection of the fuzzer: the bytes that it sends, and what the decoder says to them beforehand. */
import { Buffer } from 'node:buffer'
import { Decoder, ProtocolViolation } from '../../../../broker/codec/decoder.ts'
import type { ProtocolLevel } from '../../../../broker/codec/packets.ts'
import { DEFAULT_LIMITS } from '../../../../common/limits.ts'
import type { SeededRandom } from '../../../support/random.ts'
import type { Corpus, Sender } from './corpus.ts'
import { mutate } from './mutate.ts'

export interface Script {
  readonly bytes: Buffer
  /** CONNECT included; the one that ends the connection is the last. */
  readonly packets: number
  readonly mutated: number
  /** Undefined when no CONNECT told it. */
  readonly level: ProtocolLevel | undefined
  /** PINGRESP to expect when the connection lives to the end. */
  readonly pings: number
  /** The server has to close. */
  readonly ends: boolean
  /** It may close without a word. */
  readonly silence: boolean
  /** The last packet is not whole, so that nothing behind it can be answered. */
  readonly open: boolean
  readonly connected: boolean
}

export interface Material {
  readonly sender: Sender
  readonly level: ProtocolLevel
  readonly corpus: Corpus
  /** A CONNECT that is accepted. */
  readonly connect: Buffer
}

const PINGREQ = Buffer.from([0xc0, 0x00])
const LONGEST = 120

export function writeScript(material: Material, random: SeededRandom): Script {
  const writer = new Writer()
  const { corpus, sender } = material
  writer.add(sender === 'nobody' ? strangersFirst(material, random) : material.connect, sender === 'nobody')
  const share = random.pick([0.03, 0.1, 0.3, 1])
  for (let left = random.between(1, LONGEST); left > 0 && writer.goesOn; left--) {
    const packet = random.pick(corpus.packets)
    const changes = random.chance(share)
    writer.add(changes ? mutate(packet, random, random.pick(corpus.packets)) : packet, changes)
  }
  return writer.finish(sender)
}

/** What somebody sends whom the server does not know. */
function strangersFirst({ corpus, connect }: Material, random: SeededRandom): Buffer {
  const kind = random.between(0, 9)
  if (kind === 0) return mutate(random.pick(corpus.packets), random, random.pick(corpus.connects))
  if (kind === 1) return random.pick(corpus.connects)
  return mutate(kind < 6 ? connect : random.pick(corpus.connects), random, random.pick(corpus.connects))
}

/** Asks the decoder about each packet, so that a script ends where its connection does and every packet of it is read. */
class Writer {
  readonly #decoder = new Decoder(DEFAULT_LIMITS)
  readonly #parts: Buffer[] = []
  #packets = 0
  #mutated = 0
  #pings = 0
  #ends = false
  #silence = false
  #connected = false

  get goesOn(): boolean {
    return !this.#ends
  }

  add(packet: Buffer, mutated: boolean): void {
    this.#parts.push(packet)
    this.#packets++
    if (mutated) this.#mutated++
    // A copy: the decoder clears unused bits where they are.
    this.#decoder.push(Buffer.from(packet))
    try {
      for (let read = this.#decoder.next(); read !== undefined; read = this.#decoder.next()) {
        if (read.type === 'pingreq') this.#pings++
        if (read.type === 'connect') this.#connected = true
        if (read.type === 'disconnect') this.#ends = this.#silence = true
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
      this.#ends = true
      this.#silence = error.reply === 'none'
    }
  }

  finish(sender: Sender): Script {
    const before = this.#pings
    const { buffered } = this.#decoder
    if (this.goesOn && buffered === 0) this.add(PINGREQ, false)
    const level = this.#decoder.level
    return {
      bytes: Buffer.concat(this.#parts),
      packets: this.#packets,
      mutated: this.#mutated,
      level,
      pings: this.#pings,
      ends: this.#ends,
      // A stranger's CONNECT may have forbidden the server to say anything, by its Maximum Packet Size.
      silence: this.#silence || sender === 'nobody',
      open: !this.#ends && this.#pings === before,
      connected: this.#connected,
    }
  }
}
