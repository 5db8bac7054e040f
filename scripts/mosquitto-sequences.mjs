/**
 * Mosquitto's own packet sequences (`test/broker/data/*.json` of its repository) against a server that runs:
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
  return { socket, take, isClosed: () => closed }
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
  const header = await client.take(2)
  const body = await client.take(header[1] ?? 0)
  if (header[0] !== 0x20 || body[1] !== 0) throw new Error(`CONNACK ${header.toString('hex')}${body.toString('hex')}`)
}

async function publish({ topic, payload = '', qos = 0 }) {
  const helper = await open()
  await login(helper, 'helper', 4)
  helper.socket.write(
    mqttPacket.generate({ cmd: 'publish', topic, payload, qos, messageId: 1, retain: false, dup: false }),
  )
  if (qos === 2) {
    await helper.take(4)
    helper.socket.write(mqttPacket.generate({ cmd: 'pubrel', messageId: 1 }))
  }
  if (qos > 0) await helper.take(4)
  else {
    helper.socket.write(PINGREQ)
    await helper.take(2)
  }
  helper.socket.destroy()
}

/** What differed, or undefined. */
async function run(sequence, name) {
  const { ver = 4, connect: withConnect = true, expect_disconnect: expectClose = true, msgs } = sequence
  const client = await open()
  try {
    if (withConnect) await login(client, name, ver)
    for (const message of msgs) {
      const bytes = Buffer.from((message.type === 'publish' ? '' : message.payload).replaceAll(' ', ''), 'hex')
      if (message.type === 'send') client.socket.write(bytes)
      else if (message.type === 'publish') await publish(message)
      else await expect(client, bytes)
    }
    if (expectClose) {
      const more = await client.take(1)
      if (more.length > 0) return `not closed, but ${await hexOfAll(client, more)}`
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
  const type = packet[0] >> 4
  const range = SIGNIFICANT[type]
  const body = packet.subarray(2)
  return range === undefined ? packet.toString('hex') : `${packet[0]} ${body.subarray(...range).toString('hex')}`
}

/** Where an acknowledgement is for success, both may leave out the reason; so does a DISCONNECT. */
function sameAnswer(one, other) {
  const [first, second] = [one, other].map(significant)
  return first === second || `${first}00` === second || first === `${second}00`
}

async function expect(client, bytes) {
  const header = await client.take(2)
  const came = Buffer.concat([header, await client.take(header[1] ?? 0)])
  if (came.length > 1 && sameAnswer(came, bytes)) return
  throw new Error(
    `expected ${bytes.toString('hex')}, came ${came.toString('hex')}${client.isClosed() ? ', closed' : ''}`,
  )
}

/** With the rest of the packet that these bytes begin. */
async function hexOfAll(client, bytes) {
  const start = bytes.length < 2 ? Buffer.concat([bytes, await client.take(2 - bytes.length)]) : bytes
  const rest = start.length < 2 ? 0 : Math.max(0, 2 + start[1] - start.length)
  return Buffer.concat([start, await client.take(rest)]).toString('hex')
}

const sequences = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  .filter((group) => group.disable !== true)
  .flatMap((group) => group.tests.map((test) => ({ ...test, name: `${group.group} ${test.name}` })))

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
