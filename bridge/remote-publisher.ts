/** Publishes the same requests to another MQTT broker. */
import type { IClientPublishOptions } from 'mqtt'
import { ERRORS, PushError, type ErrorCode } from '../errors.ts'
import type { Metrics } from '../common/metrics.ts'
import { broadcastTopic, privateTopic } from '../topics/index.ts'
import { JSON_TYPE } from './payload.ts'
import type { Destination, Publication, Publisher } from './publisher.ts'
import { Refusal, type Upstream } from './remote-connection.ts'

/** What a PUBACK may say (MQTT 5 section 3.4.2.1), where a code of ours means the same. */
const CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [0x87, 'TOPIC_FORBIDDEN'],
  [0x90, 'TOPIC_INVALID'],
  // Not by MQTT 5, but so says Mosquitto.
  [0x95, 'PAYLOAD_TOO_LARGE'],
  [0x99, 'PAYLOAD_INVALID'],
])

export function createRemotePublisher(upstream: Upstream, metrics: Metrics): Publisher {
  return {
    errors: ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_REFUSED', 'UNSUPPORTED_BY_BRIDGE', 'TOPIC_FORBIDDEN', 'TOPIC_INVALID'],
    async appOf() {
      throw new PushError('REQUEST_INVALID', 'behind a bridge, `to.app` is needed with a token id')
    },
    async publishToAccount() {
      throw new PushError('UNSUPPORTED_BY_BRIDGE', 'the devices of an account are known to the server itself')
    },
    async devicesOf() {
      throw new PushError('UNSUPPORTED_BY_BRIDGE', 'the devices of an account are known to the server itself')
    },
    async check() {
      throw new PushError('UNSUPPORTED_BY_BRIDGE', 'whether there is such a receiver, the server itself knows')
    },
    async publish(destination, publication) {
      const { message } = publication
      const payload = Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.byteLength)
      const options = optionsOf(upstream, destination, publication)
      try {
        await upstream.publish(topicOf(destination), payload, options)
      } catch (error) {
        throw error instanceof Refusal ? refusalOf(error) : error
      }
      metrics.accepted.inc({ destination: destination.kind })
      // Whether it had the message before, the broker does not say.
      return { duplicate: false, expiresAt: message.expiresAt }
    },
  }
}

/** A range goes to the broadcast topic of the version `*`; a server of ours reads the user property with it. */
function topicOf(destination: Destination): string {
  if (destination.kind === 'private') return privateTopic(destination.app ?? '', destination.tokenId)
  const { app, selector } = destination
  return broadcastTopic(app, selector.kind === 'exact' ? selector.version : '*')
}

function optionsOf(upstream: Upstream, destination: Destination, publication: Publication): IClientPublishOptions {
  const { message } = publication
  if (upstream.protocolVersion === 4) {
    refuseUnsayable(destination, publication)
    return { qos: 1, retain: message.retain }
  }
  return { qos: 1, retain: message.retain, properties: propertiesOf(destination, publication) }
}

/** What MQTT 3.1.1 has no place for is refused, not left out. */
function refuseUnsayable(destination: Destination, { message, given }: Publication): void {
  const unsayable = [
    ...(given.id ? ['`id`'] : []),
    ...(given.ttl ? ['`ttl`'] : []),
    ...(message.collapseKey === undefined ? [] : ['`collapseKey`']),
    ...(message.receipt === true ? ['`receipt`'] : []),
    ...(versionsOf(destination) === undefined ? [] : ['`to.versions`']),
    ...(tagsOf(destination) === undefined ? [] : ['`to.tags`']),
  ]
  if (unsayable.length === 0) return
  throw new PushError('UNSUPPORTED_BY_BRIDGE', `${unsayable.join(', ')} over MQTT 3.1.1`)
}

function propertiesOf(destination: Destination, { message, kind }: Publication) {
  const versions = versionsOf(destination)
  const tags = tagsOf(destination)
  return {
    messageExpiryInterval: Math.floor((message.expiresAt - message.storedAt) / 1000),
    ...(kind === 'bytes' ? {} : { payloadFormatIndicator: true }),
    ...(kind === 'json' ? { contentType: JSON_TYPE } : {}),
    userProperties: {
      id: message.id,
      ...(versions === undefined ? {} : { versions }),
      ...(tags === undefined ? {} : { tags }),
      ...(message.collapseKey === undefined ? {} : { 'collapse-key': message.collapseKey }),
      ...(message.receipt === true ? { receipt: 'true' } : {}),
    },
  }
}

function versionsOf(destination: Destination): string | undefined {
  if (destination.kind === 'private' || destination.selector.kind === 'exact') return undefined
  return destination.selector.kind === 'range' ? destination.selector.range : '*'
}

function tagsOf(destination: Destination): string | undefined {
  return destination.kind === 'private' ? undefined : destination.selector.tags
}

/** A server of ours gives the sentence of its catalogue as reason string, which tells more than the reason code. */
function refusalOf({ reason, text }: Refusal): PushError {
  const codes = Object.keys(ERRORS) as ErrorCode[]
  const code = codes.find((one) => text.startsWith(ERRORS[one].title)) ?? CODES.get(reason) ?? 'UPSTREAM_REFUSED'
  return new PushError(code, `PUBACK 0x${reason.toString(16)}`)
}
