/** What a device publishes, as it is stored for its providers. */
import { isUtf8 } from 'node:buffer'
import { PushError } from '../../errors.ts'
import { makeMessage } from '../../store/message.ts'
import { LONGEST_KEPT_MS, type UpstreamAppend } from '../../store/contract.ts'
import { upstreamPrefix, type Device } from '../../topics/index.ts'
import { encodeForwardProperties } from '../codec/encoder.ts'
import type { Properties, QoS } from '../codec/packets.ts'
import type { DeviceNode } from './node.ts'

interface Published {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
}

/** Seconds. */
const LONGEST_TTL = LONGEST_KEPT_MS / 1000

/** `topic` is below that of the device; `epoch` is that of the session that publishes, absent for a will. @throws PAYLOAD_TOO_LARGE, PAYLOAD_INVALID */
export function upstreamOf(
  node: DeviceNode,
  device: Pick<Device, 'app' | 'tokenId' | 'generation'>,
  published: Published,
  epoch?: number,
): UpstreamAppend {
  const { topic, payload, qos, retain, properties } = published
  if (properties.payloadFormatIndicator === 1 && !isUtf8(payload))
    throw new PushError('PAYLOAD_INVALID', 'the payload is marked as UTF-8 but is not')
  const forward = encodeForwardProperties(properties)
  const longest = Math.min(LONGEST_TTL, node.limits.maximumTtl)
  const message = makeMessage(
    {
      payload: Buffer.from(payload),
      properties: forward.byteLength === 0 ? undefined : forward,
      retain,
      id: node.randomId(),
      ttl: Math.max(1, Math.min(properties.messageExpiryInterval ?? longest, longest)),
    },
    node.limits,
    node.now(),
  )
  const { app, tokenId, generation } = device
  const subject = topic.slice(upstreamPrefix(app, tokenId).length)
  const as = qos === 0 ? 'told' : 'stored'
  return epoch === undefined
    ? { app, tokenId, generation, subject, message, as }
    : { app, tokenId, generation, epoch, subject, message, as }
}
