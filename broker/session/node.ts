/** What the device sessions of one node share. */
import type { Logger } from 'pino'
import type { Auth } from '../../auth/contract.ts'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Store } from '../../store/contract.ts'
import type { QoS } from '../codec/packets.ts'
import type { RateByKey, Rates } from '../gate/rates.ts'
import type { DeviceSessions, DeviceSessionsLimits } from './device-sessions.ts'

export type DeviceLimits = DeviceSessionsLimits &
  Pick<
    Limits,
    | 'window'
    | 'readBytes'
    | 'topicAliases'
    | 'connectsPerToken'
    | 'devicePublishes'
    | 'idleTimeoutMs'
    | 'subscriptions'
    | 'sessionExpiry'
    | 'receiveMaximum'
    | 'maximumPacketSize'
    | 'topicAliasMaximum'
  >

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
