import type { Buffer } from 'node:buffer'
import { readAcknowledgement } from './acknowledgement.ts'
import { CONNECT_PREFIX_BYTES, type Protocol, readConnect, readProtocol } from './connect.ts'
import { type Framer, Framers, Header, type HeaderState } from './framing.ts'
import type { DecoderLimits } from './limits.ts'
import { type ConnectPacket, type Packet, type ProtocolLevel, Reason } from './packets.ts'
import { checkPublishFlags, PublishReader } from './publish.ts'
import { type ConnectTerms, checkAuthAllowed, readAuth, readDisconnect, readPingreq } from './session-end.ts'
import { readSubscribe, readUnsubscribe } from './subscribe.ts'
import { malformed, ProtocolViolation, protocolError, type Reply, violation } from './violation.ts'

export type { DecoderLimits } from './limits.ts'
export { type SharedFilter, sharedFilter } from './topic-syntax.ts'
export { ProtocolViolation, type Reply } from './violation.ts'

/** Control packet types (section 2.1.2). */
const CONNECT = 1
const CONNACK = 2
const PUBLISH = 3
const PUBACK = 4
const PUBREC = 5
const PUBREL = 6
const PUBCOMP = 7
const SUBSCRIBE = 8
const SUBACK = 9
const UNSUBSCRIBE = 10
const UNSUBACK = 11
const PINGREQ = 12
const PINGRESP = 13
const DISCONNECT = 14
const AUTH = 15

/** The low four bits of the first byte, by packet type; PUBLISH has its own (section 2.1.3). */
const FLAGS: readonly number[] = [0, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0]
const FLAG_CLAUSES: Readonly<Record<number, string>> = {
  [PUBREL]: 'MQTT-3.6.1-1',
  [SUBSCRIBE]: 'MQTT-3.8.1-1',
  [UNSUBSCRIBE]: 'MQTT-3.10.1-1',
  [DISCONNECT]: 'MQTT-3.14.1-1',
  [AUTH]: 'MQTT-3.15.1-1',
}

/**
 * Reads the packets of one client's connection, strictly, for MQTT 3.1, 3.1.1 and 5.
 *
 * `push` what the socket gives, then call `next` until it returns undefined. It throws a `ProtocolViolation` at the first
 * byte that MQTT does not allow, and reads nothing more afterwards; nor after a DISCONNECT.
 */
export class Decoder {
  #limits: DecoderLimits
  readonly #framers: Framers
  /** While there are bytes that have not come out as packets: an idle connection has none. */
  #framer: Framer | undefined
  /** Absent until the first PUBLISH: most devices send none. */
  #publish: PublishReader | undefined
  #level: ProtocolLevel | undefined
  #terms: ConnectTerms | undefined
  #headerChecked = false
  #oversizeConnect = false
  #ended = false

  constructor(limits: DecoderLimits, framers = new Framers()) {
    this.#limits = limits
    this.#framers = framers
  }

  /** Known as soon as the protocol level of CONNECT was read, so also when the rest of CONNECT is refused. */
  get level(): ProtocolLevel | undefined {
    return this.#level
  }

  /** True after a violation or a DISCONNECT: what comes then is dropped. */
  get ended(): boolean {
    return this.#ended
  }

  /** Bytes that were pushed and have not come out as packets. */
  get buffered(): number {
    return this.#framer?.buffered ?? 0
  }

  /** What holds from the next packet on. */
  adopt(limits: DecoderLimits): void {
    this.#limits = limits
    this.#publish?.adopt(limits)
  }

  /** The chunk belongs to the decoder from here on: packets are views of it. */
  push(chunk: Buffer): void {
    if (this.#ended) return
    this.#framer ??= this.#framers.take()
    this.#framer.push(chunk)
  }

  next(): Packet | undefined {
    const framer = this.#framer
    if (framer === undefined) return undefined
    try {
      return this.#read(framer)
    } catch (error) {
      this.#end()
      if (error instanceof ProtocolViolation) error.reply = this.#replyTo(error)
      throw error
    }
  }

  #read(framer: Framer): Packet | undefined {
    const state = framer.header()
    if (state !== Header.complete) return this.#waitForHeader(framer, state)
    if (!this.#headerChecked) {
      this.#checkHeader(framer)
      this.#headerChecked = true
    }
    if (!framer.body()) return framer.release()
    this.#headerChecked = false
    const { reader } = framer
    reader.bytes = framer.bytes
    reader.position = framer.bodyStart
    reader.end = framer.end
    const terms = this.#terms
    return terms === undefined ? this.#readConnect(framer) : this.#readPacket(framer, terms)
  }

  #readPacket({ reader, start, first }: Framer, terms: ConnectTerms): Packet {
    const { level } = terms
    if (level === 3 && first >> 4 !== PUBLISH) reader.bytes[start] = (first & 0xf0) | (FLAGS[first >> 4] as number)
    switch (first >> 4) {
      case PUBLISH:
        this.#publish ??= new PublishReader(this.#limits)
        return this.#publish.read(reader, start, first, level)
      case PUBACK:
        return readAcknowledgement('puback', reader, start, level)
      case PUBREC:
        return readAcknowledgement('pubrec', reader, start, level)
      case PUBREL:
        return readAcknowledgement('pubrel', reader, start, level)
      case PUBCOMP:
        return readAcknowledgement('pubcomp', reader, start, level)
      case SUBSCRIBE:
        return readSubscribe(reader, start, level, this.#limits)
      case UNSUBSCRIBE:
        return readUnsubscribe(reader, start, level, this.#limits)
      case PINGREQ:
        return readPingreq(reader, start)
      case DISCONNECT: {
        const packet = readDisconnect(reader, start, terms)
        this.#end() // A client sends nothing after DISCONNECT. [MQTT-3.14.4-1]
        return packet
      }
      case AUTH:
        return readAuth(reader, start, terms)
      default:
        return protocolError('2.1.2', "this packet type is not a client's")
    }
  }

  #readConnect(framer: Framer): ConnectPacket {
    const { reader, start } = framer
    const protocol = readProtocol(reader)
    this.#level = protocol.level
    this.#checkConnectHeader(framer, protocol)
    const packet = readConnect(reader, start, protocol, this.#limits)
    this.#terms = {
      level: packet.level,
      sessionExpiryInterval: packet.properties.sessionExpiryInterval ?? 0,
      authenticationMethod: packet.properties.authenticationMethod,
    }
    return packet
  }

  /** What could be said before the protocol level was known only without a reply. */
  #checkConnectHeader({ reader, start, first }: Framer, protocol: Protocol): void {
    if ((first & 0x0f) !== 0) {
      // MQTT 3.1 leaves these bits unused.
      if (protocol.level !== 3) malformed('MQTT-2.1.3-1', 'reserved flags of CONNECT are set', { silent: true }) // 3.1.1: [MQTT-2.2.2-2]
      reader.bytes[start] = CONNECT << 4
    }
    if (this.#oversizeConnect)
      violation(Reason.packetTooLarge, '3.1.2.11.4', 'CONNECT is larger than the server accepts')
  }

  #waitForHeader(framer: Framer, state: HeaderState): undefined {
    if (state === Header.nothing) return this.#letGo(framer)
    this.#checkFirstByte(framer.first >> 4)
    if (state === Header.notMinimal) malformed('MQTT-1.5.5-1', 'the remaining length has more bytes than it needs')
    // The stream cannot be read on from here, and may not be MQTT at all.
    if (state === Header.overlong) malformed('2.1.4', 'the remaining length has more than four bytes', { silent: true })
    return undefined
  }

  #checkFirstByte(type: number): void {
    if (this.#terms === undefined) {
      if (type !== CONNECT) protocolError('MQTT-3.1.0-1', 'the first packet is not CONNECT', { silent: true })
    } else if (type === 0) {
      protocolError('2.1.2', 'packet type 0 is forbidden')
    }
  }

  /** Everything that can be refused before the body is buffered. */
  #checkHeader(framer: Framer): void {
    const { first } = framer
    const type = first >> 4
    this.#checkFirstByte(type)
    const terms = this.#terms
    if (terms === undefined) {
      this.#checkConnectSize(framer)
      return
    }
    if (type === PUBLISH) checkPublishFlags(first)
    else this.#checkTypeAndFlags(framer, terms)
    if (framer.size > this.#limits.maximumPacketSize) {
      violation(Reason.packetTooLarge, 'MQTT-3.2.2-15', 'the packet is larger than the server accepts')
    }
  }

  #checkTypeAndFlags({ first, remaining }: Framer, terms: ConnectTerms): void {
    const type = first >> 4
    const flags = first & 0x0f
    if (type === CONNECT) protocolError('MQTT-3.1.0-2', 'a second CONNECT came')
    if (type === CONNACK) protocolError('2.1.2', "CONNACK is the server's")
    if (type === AUTH) checkAuthAllowed(terms)
    if (flags !== FLAGS[type] && !(terms.level === 3 && unusedIn31(flags, type))) {
      malformed(FLAG_CLAUSES[type] ?? 'MQTT-2.1.3-1', 'reserved flags of the fixed header are set') // 3.1.1: [MQTT-2.2.2-2]
    }
    if (remaining > 0 && (type === PINGREQ || type === PINGRESP)) {
      malformed('3.12', 'PINGREQ and PINGRESP have no body', { silent: true })
    }
    if (type === SUBACK || type === UNSUBACK || type === PINGRESP) {
      protocolError('2.1.2', "SUBACK, UNSUBACK and PINGRESP are the server's")
    }
  }

  /** Of a CONNECT that is too large only as much is read as says how to refuse it. */
  #checkConnectSize(framer: Framer): void {
    if (framer.size <= this.#limits.maximumConnectSize) return
    this.#oversizeConnect = true
    framer.remaining = CONNECT_PREFIX_BYTES
  }

  #replyTo(error: ProtocolViolation): Reply {
    if (error.silent) return 'none'
    if (this.#terms !== undefined) return this.#terms.level === 5 ? 'disconnect' : 'none'
    if (error.returnCode !== undefined || this.#level === 5) return 'connack'
    return error.reason === Reason.unsupportedProtocolVersion ? 'connack' : 'none'
  }

  /** There is nothing more in it. */
  #letGo(framer: Framer): undefined {
    framer.release()
    this.#framers.give(framer)
    this.#framer = undefined
  }

  #end(): void {
    this.#ended = true
    if (this.#framer === undefined) return
    this.#framer.clear()
    this.#letGo(this.#framer)
  }
}

/** MQTT 3.1: DUP may be set on a re-sent PUBREL, SUBSCRIBE and UNSUBSCRIBE, and the other bits have no meaning. */
function unusedIn31(flags: number, type: number): boolean {
  return FLAGS[type] === 0 || (flags & 0x06) === 2
}
