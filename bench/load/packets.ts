/** MQTT 3.1.1 packets as bytes that are made once and sent many times. */

/** What a number in front of a payload says: which run, which message, for whom. */
export const PAYLOAD_BYTES = 64
export const FOR_ALL = 0xffffffff
const QOS_1 = 1

/** A PUBLISH whose packet id and numbers are written in place. */
export interface PublishTemplate {
  readonly bytes: Buffer
  readonly packetIdAt: number
  readonly payloadAt: number
}

export interface Credentials {
  readonly clientId: string
  readonly username?: string
  readonly password?: string
  /** Seconds. 0 when not given: no contender spends time on timers that others do not have. */
  readonly keepAlive?: number
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  let rest = body.length
  do {
    const more = rest > 127 ? 128 : 0
    length.push((rest & 127) | more)
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from([first, ...length]), body])
}

export function connectPacket({ clientId, username, password, keepAlive = 0 }: Credentials, clean: boolean): Buffer {
  const flags = (clean ? 0x02 : 0) | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40)
  const optional = [username, password].filter((value) => value !== undefined).map(text)
  return packet(
    0x10,
    text('MQTT'),
    Buffer.from([4, flags, keepAlive >> 8, keepAlive & 0xff]),
    text(clientId),
    ...optional,
  )
}

export function subscribePacket(topics: readonly string[]): Buffer {
  const filters = topics.map((topic) => Buffer.concat([text(topic), Buffer.from([QOS_1])]))
  return packet(0x82, Buffer.from([0, 1]), ...filters)
}

export const DISCONNECT = Buffer.from([0xe0, 0])
export const PINGREQ = Buffer.from([0xc0, 0])

export function publishTemplate(topic: string): PublishTemplate {
  const bytes = packet(0x30 | (QOS_1 << 1), text(topic), Buffer.alloc(2), Buffer.alloc(PAYLOAD_BYTES, 'x'))
  const payloadAt = bytes.length - PAYLOAD_BYTES
  return { bytes, packetIdAt: payloadAt - 2, payloadAt }
}

export interface Numbers {
  readonly run: number
  readonly message: number
  /** The index of the device, or FOR_ALL. */
  readonly device: number
}

export function writeNumbers(payload: Buffer, at: number, { run, message, device }: Numbers): void {
  payload.writeUInt32BE(run, at)
  payload.writeUInt32BE(message, at + 4)
  payload.writeUInt32BE(device, at + 8)
}

export function readNumbers(payload: Buffer, at: number): Numbers {
  return { run: payload.readUInt32BE(at), message: payload.readUInt32BE(at + 4), device: payload.readUInt32BE(at + 8) }
}
