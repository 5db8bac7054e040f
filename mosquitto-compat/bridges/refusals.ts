/** Refusing CONNACKs, in Mosquitto's words. */

/** 3 is MQTT 3.1, 4 is 3.1.1. */
export type Level = 3 | 4 | 5

/** It answered, and refused. */
export class ConnectRefused extends Error {
  /** A reason code of MQTT 5, or a return code of those before it. */
  readonly code: number

  constructor(code: number, level: Level) {
    super(`Connection Refused: ${connackText(code, level)}`)
    this.name = 'ConnectRefused'
    this.code = code
  }
}

/** There is no connection any more, or no answer. */
export class NoAnswer extends Error {
  /** The other side closed. */
  readonly isClosed: boolean

  constructor(message: string, isClosed = false) {
    super(message)
    this.name = 'NoAnswer'
    this.isClosed = isClosed
  }
}

function connackText(code: number, level: Level): string {
  if (level === 5 && code >= 0x80) return reasonText(code)
  return RETURN_CODES.get(code) ?? 'unknown reason'
}

export function reasonText(code: number): string {
  return REASONS.get(code) ?? `reason code 0x${code.toString(16)}`
}

/** MQTT 3.1.1 section 3.2.2.3. */
const RETURN_CODES: ReadonlyMap<number, string> = new Map([
  [1, 'unacceptable protocol version'],
  [2, 'identifier rejected'],
  [3, 'broker unavailable'],
  [4, 'bad user name or password'],
  [5, 'not authorised'],
])

/** MQTT 5 section 2.4. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [0x80, 'Unspecified error'],
  [0x81, 'Malformed Packet'],
  [0x82, 'Protocol Error'],
  [0x83, 'Implementation specific error'],
  [0x84, 'Unsupported Protocol Version'],
  [0x85, 'Client Identifier not valid'],
  [0x86, 'Bad User Name or Password'],
  [0x87, 'Not authorized'],
  [0x88, 'Server unavailable'],
  [0x89, 'Server busy'],
  [0x8a, 'Banned'],
  [0x8b, 'Server shutting down'],
  [0x8c, 'Bad authentication method'],
  [0x8d, 'Keep Alive timeout'],
  [0x8e, 'Session taken over'],
  [0x8f, 'Topic Filter invalid'],
  [0x90, 'Topic Name invalid'],
  [0x93, 'Receive Maximum exceeded'],
  [0x94, 'Topic Alias invalid'],
  [0x95, 'Packet too large'],
  [0x97, 'Quota exceeded'],
  [0x98, 'Administrative action'],
  [0x99, 'Payload format invalid'],
  [0x9a, 'Retain not supported'],
  [0x9b, 'QoS not supported'],
  [0x9c, 'Use another server'],
  [0x9d, 'Server moved'],
  [0x9f, 'Connection rate exceeded'],
])
