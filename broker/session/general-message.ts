/** A message of a user, as the router sees it. */
import { encodeForwardProperties } from '../codec/encoder.ts'
import type { Will, PublishPacket } from '../codec/packets.ts'
import type { RetainedSource } from '../../store/contract.ts'
import type { GeneralMessage } from './general.ts'

interface MessageContext {
  readonly now: () => number
  readonly randomId: () => string
}

/** The packet's bytes are the decoder's: they are removed. */
export function generalMessageOf(
  node: MessageContext,
  packet: PublishPacket,
  topic: string,
  from: string,
  source?: RetainedSource,
): GeneralMessage {
  const { payload, qos, retain, forwardProperties, properties } = packet
  const own = forwardProperties === undefined ? undefined : Buffer.from(forwardProperties)
  const fields = { topic, payload: Buffer.from(payload), qos, retain, from }
  return messageOf(node, fields, own, properties.messageExpiryInterval, source)
}

export function generalMessageOfWill(
  node: MessageContext,
  will: Will,
  from: string,
  source?: RetainedSource,
): GeneralMessage {
  const { topic, payload, qos, retain, properties = {} } = will
  const own = encodeForwardProperties(properties)
  const fields = { topic, payload, qos, retain, from }
  return messageOf(node, fields, own.byteLength === 0 ? undefined : own, properties.messageExpiryInterval, source)
}

type Fields = Pick<GeneralMessage, 'topic' | 'payload' | 'qos' | 'retain' | 'from'>

function messageOf(
  { now, randomId }: MessageContext,
  { topic, payload, qos, retain, from }: Fields,
  properties: Buffer | undefined,
  expirySeconds: number | undefined,
  source: RetainedSource | undefined,
): GeneralMessage {
  const storedAt = now()
  const expiresAt = expirySeconds === undefined ? Number.POSITIVE_INFINITY : storedAt + expirySeconds * 1000
  const message = { id: randomId(), topic, payload, qos, retain, from, storedAt, expiresAt }
  if (retain && source !== undefined) Object.assign(message, { source })
  return properties === undefined ? message : Object.assign(message, { properties })
}
