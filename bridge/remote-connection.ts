/** One connection to another MQTT broker. It never queues anything without the publisher's knowledge. */
import { connect, type IClientOptions, type IClientPublishOptions, type IConnackPacket, type MqttClient } from 'mqtt'
import type { FastifyBaseLogger } from 'fastify'
import { PushError } from '../errors.ts'
import { AckFilter } from './ack-filter.ts'
import { createWindow, type Window } from './window.ts'

export interface UpstreamOptions {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`; it may hold the user and password, percent-encoded. */
  readonly url: string
  /** Instead of the ones in the URL. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** 5 unless the broker speaks 3.1.1 (4) only, which has no ids, no ranges, no time to live, and no refusals. */
  readonly protocolVersion?: 4 | 5 | undefined
  /** For a connection to be made, and from a request to its PUBACK. */
  readonly timeoutMs: number
  /**
   * Pause before a new try to connect; it doubles up to 30 times itself. There is none after a connection
   * that lasted longer.
   */
  readonly reconnectMs: number
  /** Messages without their PUBACK, at most; less when the broker's Receive Maximum is. */
  readonly window: number
}

export interface Upstream {
  readonly protocolVersion: 4 | 5
  /**
   * Resolves at the PUBACK.
   * @throws UPSTREAM_UNAVAILABLE: no connection, or no PUBACK in time; `Refusal`: a PUBACK that says no;
   *   PAYLOAD_TOO_LARGE, UPSTREAM_REFUSED: the broker has said that it takes no such message; RATE_LIMITED;
   *   SHUTTING_DOWN: no PUBACK before the time of `finish` was up
   */
  publish(topic: string, payload: Buffer, options: IClientPublishOptions): Promise<void>
  /** @throws UPSTREAM_UNAVAILABLE */
  check(): void
  /** What has no PUBACK within this time is given up, so that it can still be answered. */
  finish(timeoutMs: number): void
  close(): Promise<void>
}

/** A PUBACK with a reason code of 0x80 or more. */
export class Refusal extends Error {
  readonly reason: number
  readonly text: string

  constructor(reason: number, text: string) {
    super(`PUBACK 0x${reason.toString(16)}`)
    this.reason = reason
    this.text = text
  }
}

/** What one connection has agreed on. */
interface Link {
  readonly client: MqttClient
  readonly window: Window
  readonly limits: NonNullable<IConnackPacket['properties']>
  readonly since: number
  readonly acks: AckFilter
  /** Ends what is in flight, when the connection does. */
  readonly inFlight: Set<(error: Error) => void>
  /** PUBACKs that came. */
  acknowledged: number
}

const LONGEST_PAUSE = 30
/** Fixed header, packet id, and the properties around topic, payload and texts; generous. */
const PACKET_OVERHEAD = 64

export function openUpstream(options: UpstreamOptions, logger: FastifyBaseLogger): Upstream {
  const { protocolVersion = 5, timeoutMs, reconnectMs, window } = options
  let link: Link | undefined
  let client: MqttClient
  let timer: NodeJS.Timeout | undefined
  let finishing: NodeJS.Timeout | undefined
  let failures = 0
  let isClosed = false
  let hasGivenUp = false

  /**
   * A client of its own for every connection: MQTT.js would send again on the next one what was in flight on this one,
   * although whoever published it has been told that it failed.
   */
  function open(): void {
    const opened = connect(addressOf(options).url, clientOptions(options, protocolVersion, timeoutMs))
    const acks = new AckFilter()
    opened.stream.prependListener('data', (chunk: Buffer) => acks.read(chunk))
    client = opened
    opened.once('connect', ({ properties = {} }) => {
      failures = 0
      const size = Math.min(window, properties.receiveMaximum ?? window)
      const agreed = { client: opened, window: createWindow(size), limits: properties, acks, since: performance.now() }
      link = { ...agreed, inFlight: new Set(), acknowledged: 0 }
      logger.info('connected to the broker behind the bridge')
    })
    opened.on('error', (error) => {
      logger.warn({ reason: error.message }, 'error in the connection to the broker behind the bridge')
      // MQTT.js reads nothing more after some errors, and does not say after which.
      opened.end(true)
    })
    opened.once('close', () => {
      const lost = link
      link = undefined
      opened.end(true)
      for (const fail of lost?.inFlight ?? []) fail(unavailable('the connection was lost'))
      lost?.window.close(unavailable('the connection was lost'))
      if (isClosed) return
      if (lost !== undefined) logger.warn('lost the connection to the broker behind the bridge')
      const lasted = lost !== undefined && performance.now() - lost.since > reconnectMs
      timer = setTimeout(open, lasted ? 0 : reconnectMs * Math.min(2 ** failures++, LONGEST_PAUSE))
    })
  }

  function connected(): Link {
    if (link === undefined) throw unavailable('not connected')
    return link
  }

  open()
  return {
    protocolVersion,
    check: () => void connected(),
    async publish(topic, payload, publishOptions) {
      const current = connected()
      checkLimits(current.limits, topic, payload, publishOptions)
      const leave = await current.window.enter(timeoutMs, unavailable('no PUBACK in time'))
      await publishOn(current, topic, payload, publishOptions, { timeoutMs, leave })
    },
    finish(finishMs) {
      const giveUp = () => {
        hasGivenUp = true
        const shuttingDown = new PushError('SHUTTING_DOWN')
        for (const fail of link?.inFlight ?? []) fail(shuttingDown)
        link?.window.close(shuttingDown)
      }
      finishing = setTimeout(giveUp, finishMs)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      clearTimeout(finishing)
      // Otherwise it would wait for PUBACKs that may never come.
      await client.endAsync(link === undefined || hasGivenUp || link.inFlight.size > 0)
    },
  }
}

/** MQTT.js takes the credentials of a URL apart at the last colon, and a password may hold some. */
function addressOf({ url, username, password }: UpstreamOptions) {
  const address = new URL(url)
  const credentials = {
    username: username ?? decodeURIComponent(address.username),
    password: password ?? decodeURIComponent(address.password),
  }
  address.username = ''
  address.password = ''
  return { url: address.href, ...credentials }
}

function clientOptions(options: UpstreamOptions, protocolVersion: 4 | 5, timeoutMs: number): IClientOptions {
  const { username, password } = addressOf(options)
  return {
    protocolVersion,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    clean: true,
    connectTimeout: timeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  }
}

/** A broker closes the connection on a packet above its limits, and takes others' messages down with it. */
function checkLimits(limits: Link['limits'], topic: string, payload: Buffer, options: IClientPublishOptions): void {
  const { maximumPacketSize = Number.POSITIVE_INFINITY, maximumQoS = 1, retainAvailable = true } = limits
  const texts = JSON.stringify(options.properties?.userProperties ?? {})
  const size = PACKET_OVERHEAD + Buffer.byteLength(topic) + Buffer.byteLength(texts) + payload.byteLength
  if (size > maximumPacketSize) throw new PushError('PAYLOAD_TOO_LARGE', 'for the broker behind the bridge')
  if (maximumQoS < 1) throw new PushError('UPSTREAM_REFUSED', 'it takes QoS 0 only')
  if (options.retain === true && !retainAvailable) throw new PushError('UPSTREAM_REFUSED', 'it retains nothing')
}

interface Flight {
  readonly timeoutMs: number
  /** Frees its place in the window: when the broker is done with it, not when we are tired of waiting. */
  readonly leave: () => void
}

function publishOn(
  link: Link,
  topic: string,
  payload: Buffer,
  options: IClientPublishOptions,
  { timeoutMs, leave }: Flight,
): Promise<void> {
  const { client, inFlight, acks, acknowledged } = link
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(unavailable('no PUBACK in time'))
      // A slow broker is waited for; one that acknowledges nothing at all is gone.
      if (link.acknowledged === acknowledged) client.end(true)
    }, timeoutMs)
    const settle = (error: Error | undefined) => {
      clearTimeout(timer)
      if (inFlight.delete(settle)) leave()
      if (error === undefined) resolve()
      else reject(error)
    }
    inFlight.add(settle)
    client.publish(topic, payload, options, (error, packet) => {
      link.acknowledged++
      settle(outcomeOf(error, packet, acks))
    })
  })
}

function outcomeOf(error: unknown, packet: unknown, acks: AckFilter): Error | undefined {
  if (error === null || error === undefined) return undefined
  const { code } = error as { code?: unknown }
  if (typeof code !== 'number' || code < 0x80) return unavailable('the connection was lost')
  const { messageId, properties } = (packet ?? {}) as { messageId?: number; properties?: { reasonString?: string } }
  return new Refusal(acks.take(messageId ?? 0) ?? code, properties?.reasonString ?? '')
}

function unavailable(detail: string): PushError {
  return new PushError('UPSTREAM_UNAVAILABLE', detail)
}
