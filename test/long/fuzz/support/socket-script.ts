/** One WebSocket connection of the fuzzer: its handshake, and MQTT in frames, well-formed or not. */
import { Buffer } from 'node:buffer'
import { Decoder, ProtocolViolation } from '../../../../broker/codec/decoder.ts'
import { DEFAULT_LIMITS } from '../../../../common/limits.ts'
import type { SeededRandom } from '../../../support/random.ts'
import { encodeFrame, type Frame, OPCODES } from './frames.ts'
import { mutateBytes } from './mutate-request.ts'
import { encodeRequest, type Request } from './requests.ts'
import { type Material, type Script, writeScript } from './script.ts'

export interface SocketScript {
  readonly handshake: Buffer
  /** The server has to accept it. */
  readonly welcome: boolean
  /** The end of the handshake can be told. */
  readonly whole: boolean
  readonly frames: readonly Buffer[]
  readonly changed: number
  readonly mqtt: Script
  /** No frame is changed, so that the server answers as over TCP. */
  readonly wellFramed: boolean
  /** PINGRESP that may come at most: packets behind a text frame are not read. */
  readonly mostPings: number
  /** All of it in one write, before the answer to the handshake. */
  readonly atOnce: boolean
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

export function writeSocketScript(materials: readonly Material[], random: SeededRandom): SocketScript {
  const mqtt = writeScript(random.pick(materials), random)
  const handshake = random.chance(0.7) ? welcomeHandshake(random) : changedHandshake(random)
  const wellFramed = random.chance(0.4)
  const frames = framesOf(mqtt.bytes, random)
  // Most changes end the connection, and what is behind them is not read.
  const share = random.pick([0.003, 0.02, 0.1])
  const changed = frames.map((frame) => (wellFramed || random.chance(1 - share) ? frame : mutateFrame(frame, random)))
  const firstText = changed.findIndex(({ opcode }) => opcode === OPCODES.text)
  return {
    ...handshake,
    frames: changed.map((frame) => {
      const bytes = encodeFrame(frame, random)
      return wellFramed || random.chance(0.97) ? bytes : mutateBytes(bytes, random)
    }),
    changed: (handshake.welcome ? 0 : 1) + changed.filter((frame, at) => frame !== frames[at]).length,
    mqtt,
    wellFramed,
    mostPings: firstText < 0 ? Number.POSITIVE_INFINITY : pingsIn(contentBefore(changed, firstText)),
    atOnce: random.chance(0.3),
  }
}

type Handshake = Pick<SocketScript, 'handshake' | 'welcome' | 'whole'>

/** The forms that clients and proxies send. */
function welcomeHandshake(random: SeededRandom): Handshake {
  const request = upgradeRequest({
    target: random.pick(['/mqtt', '/mqtt', '/mqtt?x=1']),
    fields: [
      ['Host', random.pick(['127.0.0.1', 'localhost'])],
      ['Connection', random.pick(['Upgrade', 'upgrade', 'keep-alive, Upgrade'])],
      ['Upgrade', random.pick(['websocket', 'WebSocket'])],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', KEY],
      ['Sec-WebSocket-Protocol', random.pick(['mqtt', 'mqtt, mqttv3.1', 'chat, mqtt'])],
      ...(random.chance(0.3)
        ? [['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits'] as const]
        : []),
    ],
  })
  return { handshake: encodeRequest(request, random), welcome: true, whole: true }
}

const CHANGES: readonly (readonly [name: string, value: string | undefined])[] = [
  ['Connection', undefined],
  ['Connection', 'close'],
  ['Connection', 'Upgrade, close'],
  ['Upgrade', undefined],
  ['Upgrade', 'h2c'],
  ['Upgrade', 'websocket, h2c'],
  ['Upgrade', ''],
  ['Sec-WebSocket-Version', undefined],
  ...['8', '12', '14', '', '13, 8', '013', 'x', '13\x0b'].map((value) => ['Sec-WebSocket-Version', value] as const),
  ['Sec-WebSocket-Key', undefined],
  ...['', 'x', 'AAAA', `${'A'.repeat(22)}=`, '!'.repeat(24), 'A'.repeat(24), 'A'.repeat(5_000)].map(
    (value) => ['Sec-WebSocket-Key', value] as const,
  ),
  ['Sec-WebSocket-Protocol', undefined],
  ...[
    '',
    'mqttv3.1',
    'MQTT',
    'chat',
    'mqtt, mqtt',
    'mqtt,',
    ',',
    '"mqtt"',
    'mqtt\xff',
    '__proto__',
    'x,'.repeat(2_000),
  ].map((value) => ['Sec-WebSocket-Protocol', value] as const),
  ...['permessage-deflate; server_max_window_bits=99', 'permessage-deflate; x', 'x; y="', ';', '=', ', ,'].map(
    (value) => ['Sec-WebSocket-Extensions', value] as const,
  ),
  ['Host', undefined],
  ['Host', 'evil.example'],
  ['Origin', 'http://evil.example'],
  ['Origin', 'null'],
  ['Content-Length', '5'],
  ['Transfer-Encoding', 'chunked'],
  ['Expect', '100-continue'],
  ['X', 'y'.repeat(20_000)],
]
const OTHER_TARGETS = [
  ...[
    '//',
    '*',
    '/',
    '//mqtt',
    '/mqtt/',
    '/mqtt/x',
    '/MQTT',
    '/%6dqtt',
    '/mqtt%',
    '/mqtt?%',
    '/mqtt#x',
    '/v1/messages',
    '?',
  ],
  ...[
    'http://127.0.0.1/mqtt',
    'http://',
    'http://[',
    'ws://x:y@z/mqtt',
    'https://:0/mqtt',
    '/\xff',
    '\\',
    '/../mqtt',
    '///mqtt',
  ],
  `/mqtt?${'x'.repeat(9_000)}`,
]

function changedHandshake(random: SeededRandom): Handshake {
  const usual = upgradeRequest({
    target: random.chance(0.4) ? random.pick(OTHER_TARGETS) : '/mqtt',
    fields: [
      ['Host', '127.0.0.1'],
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
      ['Sec-WebSocket-Version', '13'],
      ['Sec-WebSocket-Key', KEY],
      ['Sec-WebSocket-Protocol', 'mqtt'],
    ],
  })
  let request: Request = {
    ...usual,
    method: random.chance(0.1) ? random.pick(['POST', 'PUT', 'OPTIONS', 'CONNECT']) : 'GET',
  }
  for (let left = random.between(0, 2); left > 0; left--) {
    const [name, value] = random.pick(CHANGES)
    const others = request.fields.filter(([each]) => each !== name || random.chance(0.1))
    request = { ...request, fields: value === undefined ? others : [...others, [name, value]] }
  }
  if (random.chance(0.05)) request = { ...request, version: random.pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9']) }
  const bytes = encodeRequest(request, random)
  if (random.chance(0.2)) return { handshake: mutateBytes(bytes, random), welcome: false, whole: false }
  const lengths = request.fields.some(([name]) => name === 'Content-Length' || name === 'Transfer-Encoding')
  return { handshake: bytes, welcome: false, whole: !lengths && request.method === 'GET' }
}

function upgradeRequest({ target, fields }: Pick<Request, 'target' | 'fields'>): Request {
  return { method: 'GET', target, version: 'HTTP/1.1', fields, body: undefined, chunked: false }
}

const LARGEST_FRAME = 3_000

/** MQTT bytes in binary messages: packets over several frames and several in one, with pings and empty frames between. */
function framesOf(bytes: Buffer, random: SeededRandom): Frame[] {
  const frames: Frame[] = []
  const largest = random.pick([1, 7, 50, LARGEST_FRAME, LARGEST_FRAME])
  let open = false
  for (let at = 0; at < bytes.length || open; ) {
    if (random.chance(0.03)) frames.push(controlFrame(random))
    const payload = bytes.subarray(at, at + random.between(0, Math.max(largest, bytes.length >> 9)))
    const final = random.chance(0.8)
    frames.push({ opcode: open ? OPCODES.continuation : OPCODES.binary, final, payload })
    open = !final
    at += payload.length
  }
  return frames
}

function controlFrame(random: SeededRandom): Frame {
  const payload = Buffer.alloc(random.pick([0, 1, 125]), 'x')
  return { opcode: random.pick([OPCODES.ping, OPCODES.pong]), final: true, payload }
}

const CLOSES = [
  '',
  '00',
  '0000',
  '03e8',
  '03ec',
  '03ed',
  '03ee',
  '03f7',
  '0bb7',
  '1388',
  'ffff',
  '03e8ff',
  `03e8${'61'.repeat(123)}`,
]

const FRAME_MUTATIONS: readonly ((frame: Frame, random: SeededRandom) => Frame)[] = [
  (frame) => ({ ...frame, opcode: OPCODES.text }),
  (frame) => ({ ...frame, opcode: OPCODES.text, payload: Buffer.from([0xc0, 0x00]) }),
  (frame, random) => ({ ...frame, opcode: random.between(0, 15) }),
  (frame) => ({ ...frame, opcode: OPCODES.continuation }),
  (frame) => ({ ...frame, opcode: OPCODES.binary }),
  (frame) => ({ ...frame, final: !frame.final }),
  (frame, random) => ({ ...frame, reserved: random.between(1, 7) }),
  (frame) => ({ ...frame, masked: false }),
  (frame, random) => ({ ...frame, lengthBytes: random.pick([2, 8]) }),
  (frame, random) => ({
    ...frame,
    claims: random.pick([0n, 1n, 125n, 0xffffn, 0x7fffffffn, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]),
  }),
  (frame, random) => ({
    ...frame,
    opcode: OPCODES.close,
    final: true,
    payload: Buffer.from(random.pick(CLOSES), 'hex'),
  }),
  (_frame, random) => ({
    opcode: random.pick([OPCODES.ping, OPCODES.pong]),
    final: random.chance(0.5),
    payload: Buffer.alloc(random.pick([0, 125, 126, 1_000]), 'x'),
  }),
  (frame, random) => ({ ...frame, payload: mutateBytes(frame.payload, random) }),
  (frame, random) => ({
    ...frame,
    payload: Buffer.alloc(
      random.chance(0.1) ? 1_400_000 : random.pick([200, 5_000, 70_000]),
      random.pick(['\0', '\xc0']),
    ),
  }),
]

function mutateFrame(frame: Frame, random: SeededRandom): Frame {
  return random.pick(FRAME_MUTATIONS)(frame, random)
}

function contentBefore(frames: readonly Frame[], end: number): Buffer {
  const content = frames.slice(0, end).filter(({ opcode }) => opcode <= OPCODES.binary)
  return Buffer.concat(content.map(({ payload }) => payload))
}

function pingsIn(bytes: Buffer): number {
  const decoder = new Decoder(DEFAULT_LIMITS)
  let pings = 0
  decoder.push(Buffer.from(bytes))
  try {
    for (let read = decoder.next(); read !== undefined; read = decoder.next()) if (read.type === 'pingreq') pings++
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error
  }
  return pings
}
