/** The `connection` blocks of a file, with the defaults of the manual page. */
import { type BridgeOptions, bridgeDefaults, type BridgeTls, dependentDefaults } from './bridge-options.ts'
import { ConfError } from './conf-error.ts'
import type { BridgeSection, Sections, Values } from './sections.ts'

/** @throws ConfError */
export function bridgesOf({ bridges, global }: Sections, hostname: string): BridgeOptions[] {
  const receiveMaximum = global.get('max_inflight_messages') ?? 20
  const inAll = receiveMaximum < 1 ? 65_535 : receiveMaximum
  const made = bridges.map((section) => bridgeOf(section, hostname, inAll))
  for (const [index, { localClientId }] of made.entries())
    if (made.slice(0, index).some((other) => other.localClientId === localClientId))
      throw new ConfError(`Bridge local_clientid '${localClientId}' is not unique.`, bridges[index]?.place)
  return made
}

function bridgeOf({ name, own, place }: BridgeSection, hostname: string, receiveMaximum: number): BridgeOptions {
  const addresses = own.get('address')
  if (addresses === undefined) throw new ConfError('Invalid bridge configuration: no remote addresses defined.', place)
  const topics = own.all('topic')
  if (topics.length === 0) throw new ConfError('Invalid bridge configuration: no topics defined.', place)
  const defaults = bridgeDefaults(name, hostname)
  const remoteClientId = own.get('remote_clientid') ?? defaults.remoteClientId
  const cleanSession = own.get('cleansession') ?? defaults.cleanSession
  const dependent = dependentDefaults({ remoteClientId, cleanSession })
  const tls = tlsOf(own)
  return {
    name,
    addresses,
    topics: [...new Map(topics.map((topic) => [JSON.stringify(topic), topic])).values()],
    protocolVersion: own.get('bridge_protocol_version') ?? defaults.protocolVersion,
    remoteClientId,
    ...given('remoteUsername', own.get('remote_username')),
    ...given('remotePassword', own.get('remote_password')),
    localClientId: own.get('local_clientid') ?? dependent.localClientId,
    ...given('localUsername', own.get('local_username')),
    ...given('localPassword', own.get('local_password')),
    cleanSession,
    localCleanSession: own.get('local_cleansession') ?? dependent.localCleanSession,
    tryPrivate: own.get('try_private') ?? defaults.tryPrivate,
    notifications: own.get('notifications') ?? defaults.notifications,
    notificationsLocalOnly: own.get('notifications_local_only') ?? defaults.notificationsLocalOnly,
    notificationTopic: own.get('notification_topic') ?? dependent.notificationTopic,
    startType: own.get('start_type') ?? defaults.startType,
    idleTimeout: Math.max(own.get('idle_timeout') ?? defaults.idleTimeout, 1),
    threshold: Math.max(own.get('threshold') ?? defaults.threshold, 1),
    restart: own.get('restart_timeout') ?? defaults.restart,
    keepAlive: Math.max(own.get('keepalive_interval') ?? defaults.keepAlive, 5),
    roundRobin: own.get('round_robin') ?? defaults.roundRobin,
    attemptUnsubscribe: own.get('bridge_attempt_unsubscribe') ?? defaults.attemptUnsubscribe,
    outgoingRetain: own.get('bridge_outgoing_retain') ?? defaults.outgoingRetain,
    maximumPacketSize: Math.max(own.get('bridge_max_packet_size') ?? defaults.maximumPacketSize, 0),
    topicAliasMaximum: own.get('bridge_max_topic_alias') ?? defaults.topicAliasMaximum,
    receiveMaximum: own.get('bridge_receive_maximum') ?? receiveMaximum,
    sessionExpiryInterval: own.get('bridge_session_expiry_interval') ?? defaults.sessionExpiryInterval,
    ...given('bindAddress', own.get('bridge_bind_address')),
    ...given('tcpKeepAlive', own.get('bridge_tcp_keepalive')),
    ...given('tls', tls),
    reloadType: own.get('bridge_reload_type') ?? defaults.reloadType,
  }
}

function given<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  const result: { [P in K]?: T } = {}
  if (value !== undefined) result[key] = value
  return result
}

function tlsOf(own: Values<'bridge'>): BridgeTls | undefined {
  const [caFile, caPath] = [own.get('bridge_cafile'), own.get('bridge_capath')]
  const [certFile, keyFile] = [own.get('bridge_certfile'), own.get('bridge_keyfile')]
  const useSystemCertificates = own.get('bridge_tls_use_os_certs') ?? false
  if (caFile === undefined && caPath === undefined && certFile === undefined && !useSystemCertificates) return undefined
  return {
    ...given('caFile', caFile),
    ...given('caPath', caPath),
    ...given('certFile', certFile),
    ...given('keyFile', keyFile),
    useSystemCertificates,
    insecure: own.get('bridge_insecure') ?? false,
    ...given('alpn', own.get('bridge_alpn')),
    version: versionOf(own),
    ...given('ciphers', own.get('bridge_ciphers')),
    ...given('ciphersTls13', own.get('bridge_ciphers_tls1.3')),
  }
}

function versionOf(own: Values<'bridge'>): BridgeTls['version'] {
  const version = own.get('bridge_tls_version') ?? 'tlsv1.2'
  if (version === 'tlsv1.1' || version === 'tlsv1.2' || version === 'tlsv1.3') return version
  throw new ConfError(`Invalid 'bridge_tls_version' value (${version}).`, own.placeOf('bridge_tls_version'))
}
