/** Upgrades and frames that were changed at random, one connection after the other. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { SeededRandom } from '../../../support/random.ts'
import { type ApiTarget, reset, within } from '../../../support/index.ts'
import { encodeFrame, type Frame, FrameReader, OPCODES } from './frames.ts'
import { faultOfAnswer, type HttpAnswer, HttpReplies } from './http-replies.ts'
import { type Counts, HANG_MS, type Lane } from './lanes.ts'
import { openRawHttp, type RawHttp, sendInPieces } from './raw-http.ts'
import { faultOfClose, Replies } from './reply.ts'
import type { Material } from './script.ts'
import { type SocketScript, writeSocketScript } from './socket-script.ts'
import type { Watch } from './watch.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const GOODBYE: Frame = { opcode: OPCODES.close, final: true, payload: Buffer.from('03e8', 'hex') }
/** A server that closes while so much is under way to it throws its own Close frame away. */
const LARGE = 60_000

export function socketLane(name: string, server: ApiTarget, materials: readonly Material[], watch: Watch): Lane {
  return {
    name,
    kind: 'frames',
    async play(random, counts) {
      const script = writeSocketScript(materials, random)
      const answers = new Answers(script)
      const connection = await openRawHttp(server.httpPort, (chunk) => answers.push(chunk))
      answerClose(connection, answers, random)
      const sent = send(script, connection, answers, random)
      const settled = untilSettled(script, connection, answers, () => sent.then(() => watch.roundTrips()))
      const end = await within('an answer, or the close', settled, HANG_MS)
      checkEnd(script, answers, end === 'server' && !tornDown(script, connection))
      watch.checkSecrets(answers.text)
      if (end === 'open') await leave(connection, random)
      count(script, answers, end === 'server', counts)
    },
    describe(random) {
      const { handshake, frames } = writeSocketScript(materials, random)
      return `${JSON.stringify(handshake.toString('latin1'))} and ${frames.map((frame) => frame.toString('hex')).join(' ')}`
    },
  }
}

/** What came on one connection: an answer to the handshake, and frames with MQTT in them. */
class Answers {
  readonly http = new HttpReplies()
  readonly frames = new FrameReader()
  readonly mqtt = new Replies()
  readonly #script: SocketScript
  readonly #chunks: Buffer[] = []
  #failed: unknown
  #waiting: (() => void)[] = []

  constructor(script: SocketScript) {
    this.#script = script
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }

  get upgraded(): boolean {
    return this.http.upgraded
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    try {
      if (this.upgraded) this.mqtt.push(this.frames.push(chunk))
      else this.http.push(chunk)
      // Frames may come with the answer to the handshake.
      if (this.upgraded) this.mqtt.push(this.frames.push(this.http.takeRest()))
    } catch (error) {
      this.#failed ??= error
    }
    for (const look of this.#waiting.splice(0)) look()
  }

  /** Resolves when the condition holds; throws when what came is not what a server may send. */
  async until(condition: () => boolean): Promise<void> {
    while (this.#failed === undefined && !condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.check()
  }

  check(): void {
    if (this.#failed !== undefined) throw this.#failed
  }

  /** As over TCP: every PINGREQ is answered, and everything before it. */
  get complete(): boolean {
    const { mqtt } = this.#script
    if (mqtt.ends) return false
    return this.mqtt.pings >= mqtt.pings && (this.mqtt.frames > 0 || !mqtt.connected)
  }
}

/** Resolves when the handshake is sent; what comes behind it waits for its answer, where that is not sent at once. */
async function send(script: SocketScript, { socket }: RawHttp, answers: Answers, random: SeededRandom): Promise<void> {
  const frames = Buffer.concat(script.frames)
  if (script.atOnce) return await sendInPieces(socket, Buffer.concat([script.handshake, frames]), random)
  const upgraded = answers.until(() => answers.upgraded)
  // Who waits for the end of the connection throws the same.
  upgraded.then(() => sendInPieces(socket, frames, random)).catch(() => undefined)
  await sendInPieces(socket, script.handshake, random)
}

/** The server waits for that before it closes the connection. */
function answerClose({ socket }: RawHttp, answers: Answers, random: SeededRandom): void {
  const closing = answers.until(() => answers.frames.frames.at(-1)?.opcode === OPCODES.close)
  closing.then(() => socket.end(encodeFrame(GOODBYE, random))).catch(() => undefined)
}

/** Who closed the connection; `open` when the server has said all that it has to. */
type End = 'server' | 'client' | 'open'

async function untilSettled(
  script: SocketScript,
  { socket, closed }: RawHttp,
  answers: Answers,
  patience: () => Promise<void>,
): Promise<End> {
  const orClosed = async (settled: Promise<void>) =>
    await Promise.race([settled.then(() => undefined), closed.then(() => (answers.check(), 'server' as const))])
  if (script.whole) {
    if (await orClosed(answers.until(() => answers.http.answers.length > 0))) return 'server'
  } else if (await orClosed(patience())) return 'server'
  // Others may be served sooner than the handshake is answered.
  for (const last of [false, true]) {
    if (answers.upgraded && script.wellFramed) {
      return (await orClosed(answers.until(() => answers.complete))) ?? 'open'
    }
    if (!last && (await orClosed(patience()))) return 'server'
  }
  // A frame that is not whole, perhaps: now it never will be.
  socket.end()
  await closed
  answers.check()
  return 'client'
}

/** The server closed while bytes were under way to it: what it said before may be lost. */
function tornDown(script: SocketScript, { wasReset }: RawHttp): boolean {
  const bytes = script.frames.reduce((sum, frame) => sum + frame.length, script.handshake.length)
  return wasReset && bytes > LARGE
}

function checkEnd(script: SocketScript, answers: Answers, closed: boolean): void {
  const [answer] = answers.http.answers
  if (answer === undefined) {
    if (closed && script.whole) throw new Error('the handshake has no answer')
    return
  }
  const fault = faultOfHandshake(answer, script)
  if (fault !== undefined) throw new Error(fault)
  if (!answers.upgraded) return
  const { mqtt, frames } = answers
  if (mqtt.pings > script.mostPings) throw new Error('a packet in a text frame, or behind one, was answered')
  if (!closed || !script.wellFramed) return
  if (frames.cut > 0) throw new Error(`closed within a frame: ${frames.cut} bytes of it came`)
  if (!script.mqtt.ends && script.mqtt.connected && answers.frames.frames.length === 0)
    throw new Error('closed without a word')
  const faultOfMqtt = faultOfClose(mqtt, script.mqtt.level, script.mqtt.silence)
  if (faultOfMqtt !== undefined) throw new Error(faultOfMqtt)
}

function faultOfHandshake(answer: HttpAnswer, { handshake, welcome }: SocketScript): string | undefined {
  const { status, fields } = answer
  if (status !== 101)
    return welcome ? `a good handshake was answered ${status} ${answer.body.toString()}` : faultOfAnswer(answer)
  // As it was sent: a change may have made it another key that is good.
  const keys = [...handshake.toString('latin1').matchAll(/^sec-websocket-key:[ \t]*(.*?)[ \t]*\r?$/gim)]
  const accepts = keys.map(([, key]) => createHash('sha1').update(`${key}${GUID}`).digest('base64'))
  if (!accepts.includes(fields.get('sec-websocket-accept') ?? ''))
    return `accepted with ${fields.get('sec-websocket-accept')}`
  if (fields.get('sec-websocket-protocol') !== 'mqtt') return `accepted for ${fields.get('sec-websocket-protocol')}`
  if (fields.has('sec-websocket-extensions')) return `accepted with ${fields.get('sec-websocket-extensions')}`
  return undefined
}

/** As a library does, as a program that ends, or as a carrier. */
async function leave({ socket, closed }: RawHttp, random: SeededRandom): Promise<void> {
  const way = random.between(0, 2)
  if (way === 0) socket.write(encodeFrame(GOODBYE, random))
  else if (way === 1) socket.destroy()
  else reset(socket)
  await within('the close', closed)
}

function count(script: SocketScript, { http, upgraded }: Answers, closed: boolean, counts: Counts): void {
  counts.inputs += 1 + (upgraded ? script.frames.length : 0)
  counts.changed += script.changed
  counts.bytes += script.handshake.length + (upgraded ? script.frames.reduce((sum, frame) => sum + frame.length, 0) : 0)
  counts.connections++
  if (closed) counts.closedByServer++
  for (const { status } of http.answers) counts.answers.set(status, (counts.answers.get(status) ?? 0) + 1)
}
