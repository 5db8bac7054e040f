/** What an embedding program gives `aedesOptions`. */
import type { AedesOptions } from 'aedes'
import { checkFields } from '../../auth/index.ts'

/** The compiler keeps it complete. */
const AEDES_OPTIONS = {
  mq: true,
  id: true,
  persistence: true,
  concurrency: true,
  heartbeatInterval: true,
  connectTimeout: true,
  drainTimeout: true,
  keepaliveLimit: true,
  queueLimit: true,
  maxClientsIdLength: true,
  maxTopicLevels: true,
  decodeProtocol: true,
  trustProxy: true,
  trustedProxies: true,
  topicAliasMaximum: true,
  maximumPacketSize: true,
  receiveMaximum: true,
  sessionExpiryIntervalLimit: true,
  pendingSessionsLimit: true,
  responseInformation: true,
  preConnect: true,
  authenticate: true,
  authorizePublish: true,
  authorizeSubscribe: true,
  authorizeForward: true,
  published: true,
} as const satisfies Record<keyof AedesOptions, true>

/**
 * `authorisePublish` would let every user publish everything.
 * @throws Error that names the option
 */
export function checkOwnOptions(own: AedesOptions): void {
  checkFields(own, Object.keys(AEDES_OPTIONS), 'aedesOptions')
}
