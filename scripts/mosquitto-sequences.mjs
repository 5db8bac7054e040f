/**
 * Mosquitto's own packet sequences (`test/broker/data/*.json` of its repository, as written in 2.0 and since 2.1)
 * against a server that runs:
 *
 *   node scripts/mosquitto-sequences.mjs <folder of the JSON files> <port> [username password]
 *
 * The server must let these credentials (or none) use every topic. Prints each sequence that was answered otherwise than
 * Mosquitto answers it (packet type, packet id and reason), with what came, and the count of the right ones; exits with 1 when there are any others.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import mqttPacket from 'mqtt-packet'

/** An answer that should come is awaited that long, ms; it never takes as long when it comes. */
const ANSWER_MS = 3_000
/** A message of another client; the older files say `publish`. */
const PUBLISHES = new Set(['publish', 'external_publish'])
const PINGREQ = Buffer.from([0xc0, 0x00])
const PINGRESP = Buffer.from([0xd0, 0x00])

const [, , folder, port, username, password] = process.argv
if (folder === undefined || port === undefined) {
  console.error('usage: node scripts/mosquitto-sequences.mjs <folder> <port> [username password]')
  process.exit(2)
}

/** A socket whose bytes are taken by number. */
async function open() {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
  let received = Buffer.alloc(0)
  let closed = false
  let look = () => undefined
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
  async function take(count) {
    const deadline = performance.now() + ANSWER_MS
    while (received.length < count && !closed && performance.now() < deadline) {
      await new Promise((resolve) => {
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
  async function packet(start = Buffer.alloc(0)) {
    let header = start.length < 2 ? Buffer.concat([start, await take(2 - start.length)]) : start
    while (header.length >= 2 && header.at(-1) >= 0x80) {
      const more = await take(1)
      if (more.length === 0) break
      header = Buffer.concat([header, more])
    }
    let length = 0
    for (let at = header.length - 1; at > 0; at--) length = length * 128 + (header[at] & 0x7f)
    return { bytes: Buffer.concat([header, await take(length)]), headerLength: header.length }
  }
  return { socket, take, packet, isClosed: () => closed }
}

function connectPacket(clientId, protocolVersion) {
  const protocolId = protocolVersion === 3 ? 'MQIsdp' : 'MQTT'
  const credentials = username === undefined ? {} : { username, password: Buffer.from(password ?? '') }
  const packet = { cmd: 'connect', clientId, protocolId, protocolVersion, clean: true, keepalive: 60, ...credentials }
  return mqttPacket.generate(packet, { protocolVersion })
}

/** Connects as the sequence's client; every server announces properties of its own, so only the reason is looked at. */
async function login(client, clientId, protocolVersion) {
  client.socket.write(connectPacket(clientId, protocolVersion))
  const { bytes, headerLength } = await client.packet()
  if (bytes[0] !== 0x20 || bytes[headerLength + 1] !== 0) throw new Error(`CONNACK ${bytes.toString('hex')}`)
}

async function publish({ topic, payload = '', qos = 0, retain = false }) {
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

/** Numbers of a payload by their letter: bytes in big endian order, or a Variable Byte Integer (of any length). */
const FIXED = { i: 1, H: 2, k: 2, m: 2, s: 2, L: 4 }

/** Hexadecimal digits, and since Mosquitto 2.1 also numbers such as `r12` and texts in quotes. */
function bytesOf(payload) {
  const parts = payload.split(' ').map((part) => {
    const [kind, number] = [part[0], Number(part.slice(1))]
    if (kind === "'") return Buffer.from(part.slice(1, -1))
    if (kind === 'v' || kind === 'r') return variable(number)
    if (FIXED[kind] === undefined) return Buffer.from(part, 'hex')
    const bytes = Buffer.alloc(FIXED[kind])
    bytes.writeUIntBE(number, 0, bytes.length)
    return bytes
  })
  return Buffer.concat(parts)
}

function variable(number) {
  const bytes = []
  for (let rest = number; ; ) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 0x80 : low)
    if (rest === 0) return Buffer.from(bytes)
  }
}

/** What differed, or undefined. */
async function run(sequence, name) {
  const { ver = 4, connect: withConnect = true, expect_disconnect: expectClose = true, msgs } = sequence
  const client = await open()
  try {
    if (withConnect) await login(client, name, ver)
    for (const message of msgs) {
      if (message.type === 'send') client.socket.write(bytesOf(message.payload))
      else if (message.type === 'recv') await expect(client, bytesOf(message.payload))
      else if (PUBLISHES.has(message.type)) await publish(message)
      else throw new Error(`this script does not know ${message.type}`)
    }
    if (expectClose) {
      const more = await client.take(1)
      if (more.length > 0) return `not closed, but ${(await client.packet(more)).bytes.toString('hex')}`
      return client.isClosed() ? undefined : 'not closed'
    }
    client.socket.write(PINGREQ)
    await expect(client, PINGRESP)
    return undefined
  } catch (error) {
    return error.message
  } finally {
    client.socket.destroy()
  }
}

/** Bytes of a body that have to be the same, by packet type; behind them are properties, which each server has its own. */
const SIGNIFICANT = { 2: [1, 2], 4: [0, 3], 5: [0, 3], 6: [0, 3], 7: [0, 3], 14: [0, 1] }

function significant(packet) {
  const range = SIGNIFICANT[packet[0] >> 4]
  return range === undefined
    ? packet.toString('hex')
    : `${packet[0]} ${packet
        .subarray(bodyAt(packet))
        .subarray(...range)
        .toString('hex')}`
}

function bodyAt(packet) {
  let at = 1
  while (packet[at] >= 0x80) at++
  return at + 1
}

/** Where an acknowledgement is for success, both may leave out the reason; so does a DISCONNECT. */
function sameAnswer(one, other) {
  const [first, second] = [one, other].map(significant)
  return first === second || `${first}00` === second || first === `${second}00`
}

async function expect(client, bytes) {
  const { bytes: came } = await client.packet()
  if (came.length > 1 && sameAnswer(came, bytes)) return
  throw new Error(
    `expected ${bytes.toString('hex')}, came ${came.toString('hex')}${client.isClosed() ? ', closed' : ''}`,
  )
}

const sequences = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  .filter((group) => group.disable !== true)
  .flatMap(({ tests, group, ...inAll }) => tests.map((test) => ({ ...inAll, ...test, name: `${group} ${test.name}` })))

let right = 0
const others = []
// One after the other: many use the same topic.
for (const [index, sequence] of sequences.entries()) {
  const difference = await run(sequence, `sequence ${index}`)
  if (difference === undefined) right++
  else others.push(`${sequence.name} (version ${sequence.ver ?? 4}): ${difference}`)
}
for (const other of others.sort()) console.log(other)
console.log(`${right} of ${sequences.length} as Mosquitto answers them, ${others.length} otherwise`)
process.exitCode = others.length > 0 ? 1 : 0
