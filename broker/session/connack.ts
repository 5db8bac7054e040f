/** CONNACK of a session of ours (MQTT 5 section 3.2). */
import type { Limits } from '../../common/limits.ts'
import { encodeConnack } from '../codec/encoder.ts'
import { Reason, type ConnectPacket, type QoS } from '../codec/packets.ts'

interface Connack {
  readonly sessionPresent: boolean
  /** Seconds, when that is not what the client asked for [MQTT-3.2.2-21]. */
  readonly grantedExpiry: number | undefined
  /** [MQTT-3.2.2-16] */
  readonly assignedClientId: string | undefined
  /** Wildcards and shares. */
  readonly takesFilters: boolean
  readonly limits: Pick<Limits, 'idleTimeoutMs' | 'maximumPacketSize' | 'topicAliasMaximum'> & {
    /** Undefined: nothing is said of it. */
    readonly receiveMaximum: number | undefined
  }
  /** Seconds, where the client is to keep another one [MQTT-3.1.2-21]. */
  readonly keepAlive?: number | undefined
  readonly maximumQos?: QoS
  readonly retainAvailable?: boolean
}

export function encodeConnackFor(connect: ConnectPacket, connack: Connack): Buffer {
  const { sessionPresent, grantedExpiry, assignedClientId, takesFilters, limits } = connack
  const { maximumQos = 2, retainAvailable = true, keepAlive = idleKeepAlive(connect, limits) } = connack
  return encodeConnack(connect.level, {
    // [MQTT-3.2.2-2], [MQTT-3.2.2-3]
    sessionPresent: connect.level === 3 ? false : sessionPresent,
    reason: Reason.success,
    returnCode: 0,
    properties: {
      receiveMaximum: limits.receiveMaximum,
      maximumPacketSize: limits.maximumPacketSize,
      ...(limits.topicAliasMaximum === 0 ? {} : { topicAliasMaximum: limits.topicAliasMaximum }),
      ...(takesFilters ? {} : { wildcardSubscriptionAvailable: false, sharedSubscriptionAvailable: false }),
      ...(maximumQos === 2 ? {} : { maximumQos }),
      ...(retainAvailable ? {} : { retainAvailable }),
      ...(keepAlive === undefined ? {} : { serverKeepAlive: keepAlive }),
      ...(grantedExpiry === undefined ? {} : { sessionExpiryInterval: grantedExpiry }),
      ...(assignedClientId === undefined ? {} : { assignedClientIdentifier: assignedClientId }),
    },
  })
}

/** [MQTT-3.1.2-21] a client without keep alive learns how often it must be heard of */
function idleKeepAlive(
  { keepAlive }: ConnectPacket,
  { idleTimeoutMs }: Pick<Limits, 'idleTimeoutMs'>,
): number | undefined {
  if (keepAlive > 0 || idleTimeoutMs === 0) return undefined
  return Math.min(Math.max(Math.floor(idleTimeoutMs / 1500), 1), 0xffff)
}
