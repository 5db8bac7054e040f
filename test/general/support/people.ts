/** Users byte by byte. */
import { connectRaw, type ConnectFields, type RawClient, type Scope } from '../../support/index.ts'
import type { General } from './serve.ts'

export interface Person {
  readonly raw: RawClient
  readonly present: boolean
}

export interface How extends Omit<ConnectFields, 'clean' | 'properties'> {
  /** Seconds that the session is kept. */
  readonly expiry?: number
  readonly clean?: boolean
  readonly properties?: object
  readonly level?: 4 | 5
}

/** A user on MQTT 5, kept for 100 s where nothing else is said. */
export async function join(t: Scope, server: General, clientId: string, how: How = {}): Promise<Person> {
  const { expiry = 100, clean = false, properties, level = 5, ...rest } = how
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: level })
  const all = level === 5 ? { properties: { ...properties, sessionExpiryInterval: expiry } } : {}
  const connack = await raw.connect({ username: 'ann', password: Buffer.from('x'), clientId, clean, ...all, ...rest })
  if ((connack.reasonCode ?? connack.returnCode ?? 0) !== 0) throw new Error(`refused: ${JSON.stringify(connack)}`)
  return { raw, present: connack.sessionPresent }
}

export function publish(raw: RawClient, topic: string, payload: string, messageId: number, more: object = {}): void {
  raw.send({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false, ...more })
}

/** The next PUBLISH, as tests look at it. */
export async function arrival(raw: RawClient) {
  const { topic, payload, qos, dup, messageId = 0, retain } = await raw.next('publish')
  return { topic, text: payload.toString(), qos, dup, messageId, retain }
}

/** Takes a message of QoS 2 to its end. */
export async function complete(raw: RawClient, messageId: number): Promise<void> {
  raw.send({ cmd: 'pubrec', messageId })
  await raw.next('pubrel')
  raw.send({ cmd: 'pubcomp', messageId })
}
