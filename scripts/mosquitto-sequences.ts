/**
 * Mosquitto's own packet sequences (`test/broker/data/*.json` of its repository, as written in 2.0 and since 2.1)
 * against a server that runs:
 *
 *   node .build/scripts/mosquitto-sequences.js <folder of the JSON files> <port> [username password]
 *
 * The server must let these credentials (or none) use every topic; a CONNECT of a sequence that Mosquitto takes gets them
 * in place of its own. Prints each sequence that was answered otherwise than Mosquitto answers it (packet type, packet id
 * and reason), with what came and, where Mosquitto's answer is not MQTT's, the clause (`CLAUSES`); then how many were right.
 * Exits with 1 when there are others without a clause. What MQTT leaves to the server counts as the same: its packet ids,
 * whether a PUBLISH comes before or after the acknowledgement of another, and whether an acknowledgement says that nobody
 * subscribed (0x10) or that it knows no such packet id (0x92).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import mqttPacket, { type IConnectPacket, type QoS } from 'mqtt-packet'

interface Message {
  readonly type: string
  readonly payload?: string
  readonly topic?: string
  readonly qos?: QoS
  readonly retain?: boolean
}

interface Sequence {
  readonly name: string
  readonly ver?: 3 | 4 | 5
  readonly connect?: boolean
  readonly expect_disconnect?: boolean
  readonly msgs: readonly Message[]
}

interface Group extends Partial<Sequence> {
  readonly group: string
  readonly disable?: boolean
  readonly tests: readonly Sequence[]
}

interface Client {
  readonly socket: Socket
  take(count: number): Promise<Buffer>
  packet(start?: Buffer): Promise<{ bytes: Buffer; headerLength: number }>
  isClosed(): boolean
}

/** An answer that should come is awaited that long, ms; it never takes as long when it comes. */
const ANSWER_MS = 3_000
/** A message of another client; the older files say `publish`. */
const PUBLISHES = new Set(['publish', 'external_publish'])
const PINGREQ = Buffer.from([0xc0, 0x00])
const PINGRESP = Buffer.from([0xd0, 0x00])

/** Where Mosquitto does otherwise than MQTT says, by how the name of a sequence begins. */
const CLAUSES: readonly (readonly [name: string, clause: string])[] = [
  ['v3.1.1 PUBLISH 34 QoS 2 Dup flow*3', 'what comes again is acknowledged again, however often [MQTT-4.3.3-2]'],
  ['v5.0   PUBLISH 34 QoS 2 Dup flow*3', 'what comes again is acknowledged again, however often [MQTT-4.3.3-10]'],
  ['v5.0   DISCONNECT E', 'reserved flags of DISCONNECT are 0x81 [MQTT-3.14.1-1]'],
  ['v5.0   PUBREL 6', 'reserved flags of PUBREL are malformed, 0x81 [MQTT-3.6.1-1]'],
  ['v5.0   PUBLISH 30 topic 0', 'an empty topic without an alias is a Protocol Error, 0x82 (section 3.3.2.1)'],
  ['v5.0   SUBSCRIBE 82 QoS 0 retain handling=3', 'Retain Handling 3 is a Protocol Error, 0x82 (section 3.8.3.1)'],
  ['v5.0   SUBSCRIBE 82 QoS 3 [MQTT-3-8.3-4]', 'QoS 3 is a Protocol Error, 0x82 (section 3.8.3.1)'],
  ['v5.0   SUBSCRIBE 82 QoS 3 [MQTT-3-8.3-2]', 'no filter is a Protocol Error, 0x82 (section 3.8.3)'],
  ['v5.0   SUBSCRIBE 82 short 3', 'no filter is a Protocol Error, 0x82 (section 3.8.3)'],
  ['v5.0   UNSUBSCRIBE A2 short 3', 'no filter is a Protocol Error, 0x82 (section 3.10.3)'],
  ['v5.0   SUBSCRIBE 82 mid 0', 'data that is not allowed is a Protocol Error, 0x82 (section 1.2)'],
  ['v5.0   UNSUBSCRIBE A2 zero mid', 'data that is not allowed is a Protocol Error, 0x82 (section 1.2)'],
]

const [, , folder, port, username, password] = process.argv
if (folder === undefined || port === undefined) {
  console.error('usage: node .build/scripts/mosquitto-sequences.js <folder> <port> [username password]')
  process.exit(2)
}

/** A socket whose bytes are taken by number. */
async function open(): Promise<Client> {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
  let received: Buffer = Buffer.alloc(0)
  let closed = false
  let look: () => void = () => undefined
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    look()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed = true
    look()
  })
  /** Up to `count` bytes: fewer when the server closes or says no more. */
  async function take(count: number) {
    const deadline = performance.now() + ANSWER_MS
    while (received.length < count && !closed && performance.now() < deadline) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - performance.now())
        look = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    const bytes = received.subarray(0, count)
    received = received.subarray(count)
    return bytes
  }
  /** The next packet, whole: fewer bytes when the server closes or says no more. */
  async function packet(start: Buffer = Buffer.alloc(0)) {
    let header = start.length < 2 ? Buffer.concat([start, await take(2 - start.length)]) : start
    while (header.length >= 2 && (header.at(-1) ?? 0) >= 0x80) {
      const more = await take(1)
      if (more.length === 0) break
      header = Buffer.concat([header, more])
    }
    let length = 0
    for (let at = header.length - 1; at > 0; at--) length = length * 128 + ((header[at] ?? 0) & 0x7f)
    return { bytes: Buffer.concat([header, await take(length)]), headerLength: header.length }
  }
  return { socket, take, packet, isClosed: () => closed }
}

function connectPacket(clientId: string, protocolVersion: 3 | 4 | 5): Buffer {
  const protocolId = protocolVersion === 3 ? 'MQIsdp' : 'MQTT'
  const credentials = username === undefined ? {} : { username, password: Buffer.from(password ?? '') }
  const packet: IConnectPacket = {
    cmd: 'connect',
    clientId,
    protocolId,
    protocolVersion,
    clean: true,
    keepalive: 60,
    ...credentials,
  }
  return mqttPacket.generate(packet, { protocolVersion })
}

/** Connects as the sequence's client; every server announces properties of its own, so only the reason is looked at. */
async function login(client: Client, clientId: string, protocolVersion: 3 | 4 | 5): Promise<void> {
  client.socket.write(connectPacket(clientId, protocolVersion))
  const { bytes, headerLength } = await client.packet()
  if (bytes[0] !== 0x20 || bytes[headerLength + 1] !== 0) throw new Error(`CONNACK ${bytes.toString('hex')}`)
}

async function publish({ topic = '', payload = '', qos = 0, retain = false }: Message): Promise<void> {
  const helper = await open()
  await login(helper, 'helper', 4)
  helper.socket.write(mqttPacket.generate({ cmd: 'publish', topic, payload, qos, messageId: 1, retain, dup: false }))
  if (qos === 2) {
    await helper.packet()
    helper.socket.write(mqttPacket.generate({ cmd: 'pubrel', messageId: 1 }))
  }
  if (qos === 0) helper.socket.write(PINGREQ)
  await helper.packet()
  helper.socket.destroy()
}

const WILL_FLAG = 0x04
/** Of user name and password. */
const CREDENTIALS_FLAGS = 0xc0

/** Numbers of a payload by their letter: bytes in big endian order, or a Variable Byte Integer (of any length). */
const FIXED: Readonly<Record<string, number>> = { i: 1, H: 2, k: 2, m: 2, s: 2, L: 4 }

/** Hexadecimal digits, and since Mosquitto 2.1 also numbers such as `r12` and texts in quotes. */
function bytesOf(payload = ''): Buffer {
  const parts = payload.split(' ').map((part) => {
    const [kind, number] = [part.charAt(0), Number(part.slice(1))]
    if (kind === "'") return Buffer.from(part.slice(1, -1))
    if (kind === 'v' || kind === 'r') return variable(number)
    const size = FIXED[kind]
    if (size === undefined) return Buffer.from(part, 'hex')
    const bytes = Buffer.alloc(size)
    bytes.writeUIntBE(number, 0, bytes.length)
    return bytes
  })
  return Buffer.concat(parts)
}

function variable(number: number): Buffer {
  const bytes: number[] = []
  for (let rest = number; ; ) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 0x80 : low)
    if (rest === 0) return Buffer.from(bytes)
  }
}

/** A CONNECT that is taken, with the credentials of this run in place of its own (MQTT 5 section 3.1.3). */
function withCredentials(connect: Buffer): Buffer {
  if (username === undefined) return connect
  const body = connect.subarray(bodyAt(connect))
  const flagsAt = 3 + body.readUInt16BE(0)
  const isV5 = body[flagsAt - 1] === 5
  const flags = body[flagsAt] ?? 0
  let at = flagsAt + 3
  const skipText = (): void => {
    at += 2 + body.readUInt16BE(at)
  }
  // None of the files has longer ones.
  const skipProperties = (): void => {
    at += 1 + (body[at] ?? 0)
  }
  if (isV5) skipProperties()
  skipText()
  if ((flags & WILL_FLAG) !== 0) {
    if (isV5) skipProperties()
    skipText()
    skipText()
  }
  const changed = Buffer.concat([body.subarray(0, at), text(username), text(password ?? '')])
  changed[flagsAt] = flags | CREDENTIALS_FLAGS
  return Buffer.concat([connect.subarray(0, 1), variable(changed.length), changed])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** It is a CONNECT, and what is expected next says that it was taken. */
function isTakenConnect(packet: Buffer, next: Message | undefined): boolean {
  const answer = bytesOf(next?.payload)
  return typeOf(packet) === CONNECT && typeOf(answer) === CONNACK && answer[bodyAt(answer) + 1] === 0
}

/** What differed, or undefined. */
async function run(sequence: Sequence, name: string): Promise<string | undefined> {
  const { ver = 4, connect: withConnect = true, expect_disconnect: expectClose = true, msgs } = sequence
  const client = await open()
  const answers = new Answers(client)
  try {
    if (withConnect) await login(client, name, ver)
    for (const [index, message] of msgs.entries()) {
      if (message.type === 'send') {
        const packet = bytesOf(message.payload)
        const isTaken = isTakenConnect(packet, msgs[index + 1])
        client.socket.write(isTaken ? withCredentials(packet) : answers.translated(packet, [PUBACK, PUBREC, PUBCOMP]))
      } else if (message.type === 'recv') await answers.expect(bytesOf(message.payload))
      else if (PUBLISHES.has(message.type)) await publish(message)
      else throw new Error(`this script does not know ${message.type}`)
    }
    if (answers.left !== '') return `came besides: ${answers.left}`
    if (expectClose) {
      const more = await client.take(1)
      if (more.length > 0) return `not closed, but ${(await client.packet(more)).bytes.toString('hex')}`
      return client.isClosed() ? undefined : 'not closed'
    }
    client.socket.write(PINGREQ)
    await answers.expect(PINGRESP)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    client.socket.destroy()
  }
}

/** Bytes of a body that have to be the same, by packet type; behind them are properties, which each server has its own. */
const SIGNIFICANT: Readonly<Record<number, readonly [number, number]>> = {
  2: [1, 2],
  4: [0, 3],
  5: [0, 3],
  6: [0, 3],
  7: [0, 3],
  14: [0, 1],
}
const CONNECT = 1
const CONNACK = 2
const PUBLISH = 3
const PUBACK = 4
const PUBREC = 5
const PUBREL = 6
const PUBCOMP = 7
/** Reasons that are as good as success (sections 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1). */
const AS_GOOD: Readonly<Record<number, readonly number[]>> = {
  [PUBACK]: [0x10],
  [PUBREC]: [0x10],
  [PUBREL]: [0x92],
  [PUBCOMP]: [0x92],
}

function typeOf(packet: Buffer): number {
  return (packet[0] ?? 0) >> 4
}

function significant(packet: Buffer): string {
  const type = typeOf(packet)
  const range = SIGNIFICANT[type]
  if (range === undefined) return packet.toString('hex')
  const body = packet.subarray(bodyAt(packet)).subarray(...range)
  const [reasonAt, isDisconnect] = [type === 14 ? 0 : 2, type === 14]
  // Where an acknowledgement is for success, both may leave out the reason; so does a DISCONNECT.
  const reason = type === 2 ? undefined : body[reasonAt]
  const isGood = reason === 0 || (reason !== undefined && AS_GOOD[type]?.includes(reason) === true)
  return `${packet[0]} ${(isGood ? body.subarray(0, isDisconnect ? 0 : 2) : body).toString('hex')}`
}

function bodyAt(packet: Buffer): number {
  let at = 1
  while ((packet[at] ?? 0) >= 0x80) at++
  return at + 1
}

/** Where a packet has its packet id; undefined for one without. */
function packetIdAt(packet: Buffer): number | undefined {
  const at = bodyAt(packet)
  const type = typeOf(packet)
  if (type === PUBLISH) return ((packet[0] ?? 0) & 0x06) === 0 ? undefined : at + 2 + packet.readUInt16BE(at)
  return type >= PUBACK && type <= PUBCOMP ? at : undefined
}

/** What the server sends and has sent in one sequence. */
class Answers {
  readonly #client: Client
  /** Came earlier than they are expected: a PUBLISH and an acknowledgement may change places. */
  readonly #early: Buffer[] = []
  /** The server's packet ids, by those of Mosquitto. */
  readonly #ids = new Map<number, number>()

  constructor(client: Client) {
    this.#client = client
  }

  async expect(bytes: Buffer): Promise<void> {
    const isPublish = typeOf(bytes) === PUBLISH
    for (;;) {
      const at = this.#early.findIndex((packet) => (typeOf(packet) === PUBLISH) === isPublish)
      const [early] = at < 0 ? [] : this.#early.splice(at, 1)
      const came = early ?? (await this.#client.packet()).bytes
      if (came.length > 1 && this.#isSame(came, bytes)) return
      const mayBeEarly = at < 0 && (typeOf(came) === PUBLISH) !== isPublish && ORDERED.has(typeOf(came))
      if (mayBeEarly && ORDERED.has(typeOf(bytes))) this.#early.push(came)
      else throw new Error(`expected ${bytes.toString('hex')}, came ${came.toString('hex')}${this.#end}`)
    }
  }

  get #end(): string {
    return this.#client.isClosed() ? ', closed' : ''
  }

  #isSame(came: Buffer, expected: Buffer): boolean {
    if (typeOf(came) === PUBLISH && typeOf(expected) === PUBLISH) this.#learn(came, expected)
    return significant(came) === significant(this.translated(expected, [PUBLISH, PUBREL]))
  }

  #learn(came: Buffer, expected: Buffer): void {
    const [ours, theirs] = [packetIdAt(came), packetIdAt(expected)]
    if (ours !== undefined && theirs !== undefined && ours + 2 <= came.length && theirs + 2 <= expected.length)
      this.#ids.set(expected.readUInt16BE(theirs), came.readUInt16BE(ours))
  }

  /** With the packet id that the server uses in place of Mosquitto's. */
  translated(packet: Buffer, types: readonly number[]): Buffer {
    const at = types.includes(typeOf(packet)) && packet.length >= 4 ? packetIdAt(packet) : undefined
    if (at === undefined || at + 2 > packet.length) return packet
    const id = this.#ids.get(packet.readUInt16BE(at))
    if (id === undefined) return packet
    const changed = Buffer.from(packet)
    changed.writeUInt16BE(id, at)
    return changed
  }

  /** What nobody expected. */
  get left(): string {
    return this.#early.map((packet) => packet.toString('hex')).join(' ')
  }
}

const ORDERED = new Set([PUBLISH, PUBACK, PUBREC, PUBCOMP])

const sequences = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Group[])
  .filter((group) => group.disable !== true)
  .flatMap(({ tests, group, ...inAll }) => tests.map((test) => ({ ...inAll, ...test, name: `${group} ${test.name}` })))

let right = 0
const others: string[] = []
const byClause: string[] = []
// One after the other: many use the same topic.
for (const [index, sequence] of sequences.entries()) {
  const difference = await run(sequence, `sequence ${index}`)
  const line = `${sequence.name} (version ${sequence.ver ?? 4}): ${difference}`
  const [, clause] = CLAUSES.find(([name]) => sequence.name.startsWith(name)) ?? []
  if (difference === undefined) right++
  else if (clause === undefined) others.push(line)
  else byClause.push(`${line}; ${clause}`)
}
for (const line of [...byClause.sort(), ...others.sort()]) console.log(line)
console.log(
  `${right} of ${sequences.length} as Mosquitto answers them, ${byClause.length} as MQTT says, ${others.length} otherwise`,
)
process.exitCode = others.length > 0 ? 1 : 0
