/** CONNACK of a session of ours (MQTT 5 section 3.2). */
import type { Limits } from '../../common/limits.ts'
import { encodeConnack } from '../codec/encoder.ts'
import { Reason, type ConnectPacket } from '../codec/packets.ts'

interface Connack {
  readonly sessionPresent: boolean
  /** Seconds, when that is not what the client asked for [MQTT-3.2.2-21]. */
  readonly grantedExpiry: number | undefined
  /** [MQTT-3.2.2-16] */
  readonly assignedClientId: string | undefined
  /** Wildcards and shares. */
  readonly takesFilters: boolean
  readonly limits: Pick<Limits, 'idleTimeoutMs' | 'receiveMaximum' | 'maximumPacketSize' | 'topicAliasMaximum'>
}

export function encodeConnackFor(connect: ConnectPacket, connack: Connack): Buffer {
  const { sessionPresent, grantedExpiry, assignedClientId, takesFilters, limits } = connack
  const idle = connect.keepAlive === 0 && limits.idleTimeoutMs > 0
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
      // [MQTT-3.1.2-21] a client without keep alive learns how often it must be heard of
      ...(idle ? { serverKeepAlive: Math.min(Math.max(Math.floor(limits.idleTimeoutMs / 1500), 1), 0xffff) } : {}),
      ...(grantedExpiry === undefined ? {} : { sessionExpiryInterval: grantedExpiry }),
      ...(assignedClientId === undefined ? {} : { assignedClientIdentifier: assignedClientId }),
    },
  })
}
