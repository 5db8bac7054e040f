/** Reads `mosquitto.db`, versions 5 and 6: what Mosquitto keeps between two runs. */
import { ByteReader, MosquittoDbError } from './byte-reader.ts'
import { readProperties } from './publish-properties.ts'

export interface StoredMessage {
  /** Id of the file. */
  readonly id: string
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  /** Milliseconds since the epoch; `Infinity` for never. */
  readonly expiresAt: number
  /** MQTT 5, as on the wire; empty for none. */
  readonly properties: Buffer
}

export interface StoredSubscription {
  /** With `$share/<group>/`. */
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0: none. */
  readonly identifier: number
}

export interface QueuedMessage {
  readonly message: StoredMessage
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** Those that were sent are the first. */
  readonly wasSent: boolean
  readonly identifiers: readonly number[]
}

/** QoS 2: it came from the client, and its PUBREL has not. */
export interface ReceivedMessage {
  readonly message: StoredMessage
  readonly packetId: number
}

export interface StoredSession {
  readonly clientId: string
  /** Undefined: it had none, or the file is of version 5. */
  readonly username: string | undefined
  /** Seconds after the end of a connection; `Infinity` forever. */
  readonly expiryInterval: number
  /** Milliseconds since the epoch; `Infinity` for never. */
  readonly expiresAt: number
  readonly subscriptions: StoredSubscription[]
  /** Those that were in flight first. */
  readonly queue: QueuedMessage[]
  readonly received: ReceivedMessage[]
}

export interface MosquittoDb {
  readonly version: 5 | 6
  readonly retained: readonly StoredMessage[]
  readonly sessions: readonly StoredSession[]
}

const MAGIC = Buffer.from([0x00, 0xb5, 0x00, ...Buffer.from('mosquitto db')])
const HEADER = 8
const Chunk = { config: 1, message: 2, clientMessage: 3, retain: 4, subscription: 5, client: 6 } as const
const NEVER = 0xffff_ffff
/** Of a message of a client. */
const QUEUED = 11
const DIRECTION_OUT = 1
const RETAIN = 0xf0
const NO_LOCAL = 0x04
const RETAIN_AS_PUBLISHED = 0x08

/** The whole file, or nothing of it. @throws MosquittoDbError that says where it is wrong */
export function readMosquittoDb(bytes: Buffer): MosquittoDb {
  return new Reading(bytes).read()
}

class Reading {
  readonly #bytes: Buffer
  readonly #messages = new Map<string, StoredMessage>()
  readonly #sessions = new Map<string, StoredSession>()
  readonly #retained = new Map<string, StoredMessage>()
  /** In the order of the file, with whether they were in flight. */
  readonly #inFlight = new Map<StoredSession, QueuedMessage[]>()
  #version: 5 | 6 = 6

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  read(): MosquittoDb {
    const reader = new ByteReader(this.#bytes)
    this.#version = readVersion(reader)
    while (reader.left > 0) {
      if (reader.left < HEADER) throw new MosquittoDbError(reader.offset, 'the file is cut off')
      const at = reader.offset
      const kind = reader.uint32()
      const length = reader.uint32()
      if (length > reader.left)
        throw new MosquittoDbError(at, `the file is cut off: ${length} bytes are to come, and there are ${reader.left}`)
      this.#chunk(kind, reader.part(length), at)
    }
    for (const [session, messages] of this.#inFlight) {
      const queued = session.queue.splice(0)
      for (const message of [...messages, ...queued]) session.queue.push(message)
    }
    return { version: this.#version, retained: [...this.#retained.values()], sessions: [...this.#sessions.values()] }
  }

  #chunk(kind: number, reader: ByteReader, at: number): void {
    switch (kind) {
      case Chunk.config:
        return
      case Chunk.message:
        return this.#message(reader)
      case Chunk.clientMessage:
        return this.#clientMessage(reader, at)
      case Chunk.retain: {
        const message = this.#found(reader.hostUint64(), at)
        // It is of the broker that wrote it.
        if (!message.topic.startsWith('$SYS/')) this.#retained.set(message.topic, message)
        return
      }
      case Chunk.subscription:
        return this.#subscription(reader, at)
      case Chunk.client:
        return this.#client(reader)
      default:
        throw new MosquittoDbError(at, `there is no chunk of kind ${kind}`)
    }
  }

  #message(reader: ByteReader): void {
    const id = `${reader.hostUint64()}`
    const expiry = reader.hostInt64()
    const payloadLength = reader.uint32()
    reader.skip(2)
    const sourceIdLength = reader.uint16()
    const sourceUsernameLength = reader.uint16()
    const topicLength = reader.uint16()
    reader.skip(2)
    const qos = qosOf(reader)
    reader.skip(1)
    reader.skip(sourceIdLength + sourceUsernameLength)
    const topic = reader.text(topicLength)
    const payload = reader.bytes(payloadLength)
    const { content } = readProperties(reader, this.#bytes)
    this.#messages.set(id, { id, topic, payload, qos, expiresAt: timeOf(expiry), properties: content })
  }

  #client(reader: ByteReader): void {
    const expiry = reader.hostInt64()
    const interval = reader.uint32()
    reader.skip(2)
    const idLength = reader.uint16()
    let usernameLength = 0
    if (this.#version === 6) {
      reader.skip(2)
      usernameLength = reader.uint16()
      reader.skip(4)
    }
    const clientId = reader.text(idLength)
    const username = usernameLength === 0 ? undefined : reader.text(usernameLength)
    const expiryInterval = interval === NEVER ? Infinity : interval
    const session = { clientId, username, expiryInterval, expiresAt: timeOf(expiry) }
    this.#sessions.set(clientId, { ...session, subscriptions: [], queue: [], received: [] })
  }

  #clientMessage(reader: ByteReader, at: number): void {
    const id = reader.hostUint64()
    const packetId = reader.uint16()
    const idLength = reader.uint16()
    const qos = qosOf(reader)
    const state = reader.uint8()
    const flags = reader.uint8()
    const direction = reader.uint8()
    const clientId = reader.text(idLength)
    const { subscriptionIdentifiers } = readProperties(reader, this.#bytes)
    const session = this.#sessions.get(clientId)
    const message = this.#found(id, at)
    // Of a client that is not known it is nobody's, as for Mosquitto.
    if (session === undefined || message.topic.startsWith('$SYS/')) return
    if (direction !== DIRECTION_OUT) {
      session.received.push({ message, packetId })
      return
    }
    const wasSent = state !== QUEUED
    const queued = { message, qos, retain: (flags & RETAIN) !== 0, wasSent, identifiers: subscriptionIdentifiers }
    if (!wasSent) return void session.queue.push(queued)
    const sent = this.#inFlight.get(session)
    if (sent === undefined) this.#inFlight.set(session, [queued])
    else sent.push(queued)
  }

  #subscription(reader: ByteReader, at: number): void {
    const identifier = reader.uint32()
    const idLength = reader.uint16()
    const filterLength = reader.uint16()
    const qos = qosOf(reader)
    const options = reader.uint8()
    reader.skip(2)
    const clientId = reader.text(idLength)
    const filter = reader.text(filterLength)
    const session = this.#sessions.get(clientId)
    if (session === undefined) throw new MosquittoDbError(at, 'it is a subscription of no client that is known')
    session.subscriptions.push({
      filter,
      qos,
      noLocal: (options & NO_LOCAL) !== 0,
      retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
      identifier,
    })
  }

  #found(id: bigint, at: number): StoredMessage {
    const message = this.#messages.get(`${id}`)
    if (message === undefined) throw new MosquittoDbError(at, `there is no message ${id} before it`)
    return message
  }
}

function readVersion(reader: ByteReader): 5 | 6 {
  if (reader.left < MAGIC.byteLength || !reader.bytes(MAGIC.byteLength).equals(MAGIC))
    throw new MosquittoDbError(0, 'this is no mosquitto.db')
  // A checksum that Mosquitto does not write.
  reader.skip(4)
  const at = reader.offset
  const version = reader.uint32()
  if (version === 5 || version === 6) return version
  throw new MosquittoDbError(
    at,
    version < 5
      ? `it is of version ${version}; start a Mosquitto of today with it once, which writes it anew as version 6`
      : `it is of version ${version}, and 5 and 6 are known`,
  )
}

function qosOf(reader: ByteReader): 0 | 1 | 2 {
  const at = reader.offset
  const qos = reader.uint8()
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new MosquittoDbError(at, `there is no QoS ${qos}`)
}

/** Seconds since the epoch; 0 for never. */
function timeOf(seconds: bigint): number {
  return seconds <= 0n ? Infinity : Number(seconds) * 1000
}
