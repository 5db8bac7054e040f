/** The accept stage: stores a provider's PUBLISH, then acknowledges it. */
import { isUtf8 } from 'node:buffer'
import type { Auth } from '../auth/contract.ts'
import { PushError } from '../errors.ts'
import type { Metrics } from '../common/metrics.ts'
import type { UnderWay } from '../common/under-way.ts'
import type { Appended, Store } from '../store/contract.ts'
import { isNowOrNever, makeMessage, type Draft, type MessageLimits } from '../store/message.ts'
import {
  mayUse,
  parseTagSelectorJson,
  parseVersions,
  providerDestination,
  type Provider,
  type Selector,
  type VersionSelector,
} from '../topics/index.ts'
import { encodeForwardProperties } from './codec/encoder.ts'
import type { Properties, QoS } from './codec/packets.ts'

interface AcceptOptions {
  readonly auth: Pick<Auth, 'providerNow'>
  readonly store: Store
  /** Of each provider. */
  readonly underWay: UnderWay
  readonly metrics: Metrics
  readonly limits: MessageLimits
  readonly now: () => number
  readonly randomId: () => string
}

interface IncomingPublish {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
}

export type Accept = (provider: Provider, packet: IncomingPublish) => Promise<void>

/**
 * Stores a message to a private or broadcast topic. On MQTT 5 the user property `id` is the message id (the same
 * id again is accepted once), `versions` on the topic `<app>/*` is a range of versions, `tags` on a broadcast topic chooses
 * devices by their tags, `collapse-key` and `receipt` are as over HTTP, and Message Expiry Interval is the time to live: with 0
 * the message is for now or never. Rejects with what the catalogue names; then nothing is stored.
 */
export function createAccept(options: AcceptOptions): Accept {
  const { metrics } = options
  const stored = {
    private: (answer: Answer): void => count('private', answer),
    broadcast: (answer: Answer): void => count('broadcast', answer),
  }
  function count(destination: 'private' | 'broadcast', answer: Answer): void {
    const counter = typeof answer === 'object' && answer.duplicate ? metrics.duplicates : metrics.accepted
    counter.inc({ destination })
  }
  function refused(error: unknown): never {
    metrics.rejected.inc({ code: error instanceof PushError ? error.code : 'INTERNAL' })
    throw error
  }
  // One promise for each message, besides that of the store: this is the path of most messages.
  return (provider, packet) => {
    try {
      const { kind, sending } = begin(options, provider, packet)
      return sending.then(stored[kind], refused)
    } catch (error) {
      return Promise.resolve(error).then(refused)
    }
  }
}

/** Of the store; a message for now or never is not stored, and so no duplicate. */
type Answer = Appended | boolean | void

interface Begun {
  readonly kind: 'private' | 'broadcast'
  readonly sending: Promise<Answer>
}

/** Checks everything, and hands it to the store. */
function begin(options: AcceptOptions, provider: Provider, packet: IncomingPublish): Begun {
  const { store, underWay } = options
  const destination = destinationOf(options, provider, packet.topic)
  if (destination === undefined)
    throw new PushError('TOPIC_FORBIDDEN', 'a provider publishes to private and broadcast topics of its apps')
  const { message, dedupe } = draft(options, packet)
  const tags = tagsOf(packet.properties)
  if (tags !== undefined && destination.kind === 'private')
    throw new PushError('TAGS_INVALID', 'the user property `tags` chooses among the receivers of a broadcast only')
  if (message.receipt === true && destination.kind === 'broadcast') throw new PushError('RECEIPT_FORBIDDEN')
  const { kind, app } = destination
  const { name } = provider
  if (kind === 'private') {
    const { tokenId } = destination
    const sending = isNowOrNever(message)
      ? underWay.run(name, () => store.tellPrivate({ tokenId, app, message }))
      : underWay.run(name, () => store.append({ tokenId, app, message, dedupe }))
    return { kind, sending }
  }
  const selector = selectorOf(destination.version, packet.properties, tags)
  const sending = isNowOrNever(message)
    ? underWay.run(name, () => store.tellBroadcast({ app, selector, message }))
    : underWay.run(name, () => store.appendBroadcast({ app, selector, message, dedupe }))
  return { kind, sending }
}

/** By what its key allows now. */
function destinationOf({ auth }: AcceptOptions, provider: Provider, topic: string) {
  const current = auth.providerNow(provider)
  if (current === undefined) throw new PushError('KEY_REVOKED')
  if (!mayUse(current, 'messages:send')) throw new PushError('SCOPE_MISSING', 'messages:send')
  return providerDestination(current, topic)
}

function draft({ limits, now, randomId }: AcceptOptions, { payload, retain, properties }: IncomingPublish) {
  const id = userProperty(properties, 'id')
  if (properties.payloadFormatIndicator === 1 && !isUtf8(payload))
    throw new PushError('PAYLOAD_INVALID', 'the payload is marked as UTF-8 but is not')
  const forward = encodeForwardProperties(withoutOurs(properties))
  const message = makeMessage(
    {
      payload: Buffer.from(payload),
      retain,
      id: id ?? randomId(),
      properties: forward.byteLength === 0 ? undefined : forward,
      ttl:
        properties.messageExpiryInterval === undefined
          ? undefined
          : Math.min(properties.messageExpiryInterval, limits.maximumTtl),
      ...askedOf(properties),
    },
    limits,
    now(),
  )
  return { message, dedupe: id !== undefined }
}

/** User properties that are for us. */
const OURS = new Set(['id', 'versions', 'tags', 'collapse-key', 'receipt'])

/** Without what is for us. */
function withoutOurs(properties: Properties): Properties {
  const { userProperties } = properties
  if (userProperties === undefined) return properties
  return {
    ...properties,
    userProperties: userProperties.filter(([name]) => !OURS.has(name)),
  }
}

function selectorOf(version: string, properties: Properties, tags: string | undefined): Selector {
  const versions = versionsOf(version, properties)
  return tags === undefined ? versions : { ...versions, tags }
}

function versionsOf(version: string, properties: Properties): VersionSelector {
  if (version !== '*') return { kind: 'exact', version }
  const selector = parseVersions(userProperty(properties, 'versions') ?? '')
  if (selector === undefined)
    throw new PushError('VERSION_RANGE_INVALID', 'the user property `versions`, which the topic `<app>/*` needs')
  return selector
}

/** One that is not understood must not go to everybody; neither must the second of two. */
function tagsOf({ userProperties = [] }: Properties): string | undefined {
  const [given, another] = userProperties.filter(([name]) => name === 'tags')
  if (given === undefined) return undefined
  const tags = another === undefined ? parseTagSelectorJson(given[1]) : undefined
  if (tags === undefined) throw new PushError('TAGS_INVALID', 'the user property `tags`, once, as JSON')
  return tags
}

const NOTHING: Pick<Draft, 'collapseKey' | 'receipt'> = {}

/** What is said twice is not understood. */
function askedOf({ userProperties }: Properties): Pick<Draft, 'collapseKey' | 'receipt'> {
  let collapseKey: string | undefined
  let receipt: boolean | undefined
  for (const [name, value] of userProperties ?? []) {
    if (name === 'collapse-key') {
      if (collapseKey !== undefined)
        throw new PushError('COLLAPSE_KEY_INVALID', 'the user property `collapse-key`, once')
      collapseKey = value
    } else if (name === 'receipt') {
      if (receipt !== undefined || (value !== 'true' && value !== 'false'))
        throw new PushError('REQUEST_INVALID', 'the user property `receipt`, once, as `true` or `false`')
      receipt = value === 'true'
    }
  }
  return collapseKey === undefined && receipt === undefined ? NOTHING : { collapseKey, receipt }
}

function userProperty(properties: Properties, name: string): string | undefined {
  return properties.userProperties?.find(([each]) => each === name)?.[1]
}
