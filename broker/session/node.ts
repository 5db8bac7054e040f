/** What the device sessions of one node share. */
import type { Logger } from 'pino'
import type { Auth } from '../../auth/contract.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Store } from '../../store/contract.ts'
import type { QoS } from '../codec/packets.ts'
import type { RateByKey, Rates } from '../gate/rates.ts'
import type { DeviceSessions } from './device-sessions.ts'

export interface DeviceLimits {
  /** Unacknowledged messages to one device; the client's Receive Maximum may lower it (default 20). */
  readonly window: number
  /** Payload bytes that one read of a log may bring (default 1 MiB). */
  readonly readBytes: number
  /** Topic aliases that the server makes for one client, where it announces a Topic Alias Maximum (default 16). */
  readonly topicAliases: number
  /** CONNECT packets a minute with one token id and generation; 0 is without limit (default 300). */
  readonly connectsPerToken: number
  /** Publishes a second of one token id, wills among them, over all its connections to this node; 0 is without limit (default 100). */
  readonly devicePublishes: number
  /** A client without keep alive is disconnected when it sends nothing for this long, ms; 0 is without limit. */
  readonly idleTimeoutMs: number
  /** Subscriptions of one device (default 100). */
  readonly subscriptions: number
  /** Longest Session Expiry Interval, seconds (default: no limit). */
  readonly sessionExpiry: number
  /** Advertised Receive Maximum: unacknowledged QoS 1 and 2 messages of a client (default 64). */
  readonly receiveMaximum: number
  /** Advertised Maximum Packet Size, bytes. */
  readonly maximumPacketSize: number
  /** Topic aliases of one client. */
  readonly topicAliasMaximum: number
  /** Pause between two writes of cursors, ms (default 25). */
  readonly commitMs: number
  /** Every session looks at its logs again within this time, whatever wakes were lost, ms (default 30,000). */
  readonly sweepMs: number
  /** Pause before a drain that failed runs again, ms (default 500). */
  readonly retryMs: number
}

/** A message from a device to its providers. */
export interface UpstreamMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  /** Where it comes from, as the publishing client of the packet. */
  readonly clientId: string
  readonly properties: UpstreamProperties
}

/** What a publisher's MQTT 5 properties may hold that is forwarded [MQTT-3.3.2-4, -15, -16, -17, -20]. */
interface UpstreamProperties {
  readonly payloadFormatIndicator?: number
  readonly messageExpiryInterval?: number
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: Buffer
  readonly userProperties?: [name: string, value: string][]
}

export interface DeviceNode {
  readonly auth: Auth
  readonly store: Store
  readonly sessions: DeviceSessions
  readonly metrics: Metrics
  readonly logger: Logger
  readonly limits: DeviceLimits
  /** Milliseconds since the epoch, for dates. */
  readonly now: () => number
  /** Milliseconds that only grow, for durations. */
  readonly monotonic: () => number
  /** By token id and generation. */
  readonly connects: RateByKey
  /** By token id. */
  readonly publishes: Rates
  readonly randomId: () => string
  /** Resolves when the message is stored for every subscriber. */
  upstream(message: UpstreamMessage): Promise<void>
}
