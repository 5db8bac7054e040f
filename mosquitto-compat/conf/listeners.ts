/** The listeners of a file, and who may connect to each. */
import type { QoS } from '../../index.ts'
import type { ListenerConf, ListenerTls, SecurityConf } from './mosquitto-conf.ts'
import { ConfError, type Place, placed } from './conf-error.ts'
import { pluginName } from './read-sections.ts'
import { DEFAULT_PORT, type ListenerSection, listenerSection, type PluginSection, type Sections } from './sections.ts'

interface Listeners {
  readonly listeners: readonly ListenerConf[]
  readonly warnings: readonly string[]
}

const LOOPBACK = ['127.0.0.1', '::1']
const NOWHERE: Place = { file: '', line: 0 }
const AUTO = 'auto-'

/** @throws ConfError */
export function listenersOf(sections: Sections, ports: readonly number[]): Listeners {
  if (!sections.localOnly)
    return { listeners: sections.listeners.map((section) => listenerOf(section, sections)), warnings: [] }
  const local = (ports.length === 0 ? [DEFAULT_PORT] : ports).flatMap((port) =>
    LOOPBACK.map((host) => listenerOf(listenerSection(NOWHERE, port, host), sections)),
  )
  const unused = sections.listeners.length > 0
  return {
    listeners: local,
    warnings: unused ? ['Options of a listener have no effect: the configuration file has none.'] : [],
  }
}

function listenerOf(section: ListenerSection, sections: Sections): ListenerConf {
  const { own, port, host } = section
  const proxyProtocol = proxyOf(section)
  const protocol = own.get('protocol') ?? 'mqtt'
  if (protocol === 'http_api')
    throw new ConfError(
      "The 'protocol http_api' is not supported: set PUSH_HTTP_PORT, which has metrics and an API of its own.",
      own.placeOf('protocol'),
    )
  const domain = own.get('socket_domain')
  return {
    name: nameOf(section),
    port,
    host,
    family: domain === undefined ? undefined : domain === 'ipv4' ? 4 : 6,
    networkInterface: own.get('bind_interface'),
    protocol,
    maxConnections: own.get('max_connections') ?? -1,
    mountPoint: mountPointOf(section),
    maximumQos: qosOf(own.get('max_qos') ?? 2),
    topicAliasMaximum: own.get('max_topic_alias') ?? 10,
    outgoingTopicAliases: own.get('max_topic_alias_broker') ?? 10,
    protocolLevels: own.get('accept_protocol_versions'),
    proxyProtocol,
    proxyRequiresTls: own.get('proxy_protocol_v2_require_tls') ?? false,
    requireCertificate: own.get('require_certificate') ?? false,
    useUsernameAsClientId: own.get('use_username_as_clientid') ?? false,
    identity: identityOf(section),
    tls: tlsOf(section),
    origins: own.get('websockets_origin') === undefined ? undefined : own.all('websockets_origin'),
    security: securityOf(section, sections),
  }
}

/** Two that can be open at the same time have different ones. */
function nameOf({ port, host, own }: ListenerSection): string {
  if (port === 0) return `${host ?? ''}`
  const [domain, networkInterface] = [own.get('socket_domain'), own.get('bind_interface')]
  return [
    `port ${port}`,
    ...(host === undefined ? [] : [`of ${host}`]),
    ...(networkInterface === undefined ? [] : [`at ${networkInterface}`]),
    ...(domain === undefined ? [] : [`with ${domain}`]),
  ].join(' ')
}

function qosOf(value: number): QoS {
  return value === 0 ? 0 : value === 1 ? 1 : 2
}

function mountPointOf({ own }: ListenerSection): string | undefined {
  const mountPoint = own.get('mount_point')
  if (mountPoint !== undefined && /[+#]/.test(mountPoint))
    throw new ConfError(
      `Invalid 'mount_point' value (${mountPoint}). Does it contain a wildcard character?`,
      own.placeOf('mount_point'),
    )
  return mountPoint
}

function proxyOf({ own }: ListenerSection): 1 | 2 | undefined {
  const version = own.get('enable_proxy_protocol')
  if (version !== 2) return version === undefined ? undefined : 1
  const place = own.placeOf('enable_proxy_protocol')
  if (own.get('use_subject_as_username') === true)
    throw new ConfError('use_subject_as_username cannot be used with `enable_proxy_protocol 2`.', place)
  if (own.get('certfile') !== undefined || own.get('keyfile') !== undefined)
    throw new ConfError('certfile and keyfile cannot be used with `enable_proxy_protocol 2`.', place)
  return 2
}

/** Both given: the Common Name, as Mosquitto has it. */
function identityOf({ own }: ListenerSection): ListenerConf['identity'] {
  const isTls = own.get('certfile') !== undefined
  const isBehindProxy = own.get('enable_proxy_protocol') === 2
  if (own.get('use_identity_as_username') === true && (isTls || isBehindProxy)) return 'common name'
  return own.get('use_subject_as_username') === true && isTls ? 'subject' : undefined
}

function tlsOf({ own, place }: ListenerSection): ListenerTls | undefined {
  const [certFile, keyFile] = [own.get('certfile'), own.get('keyfile')]
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ConfError(
      'Both certfile and keyfile must be provided to enable a TLS listener.',
      own.placeOf('certfile') ?? own.placeOf('keyfile'),
    )
  for (const name of ['cafile', 'capath'] as const)
    if (own.get(name) !== undefined && certFile === undefined)
      throw new ConfError(`${name} specified without certfile and keyfile.`, own.placeOf(name))
  if (own.get('tls_keyform') === 'engine')
    throw new ConfError(
      "The 'tls_keyform engine' is not supported: give the key as a PEM file in keyfile.",
      own.placeOf('tls_keyform'),
    )
  if (certFile === undefined || keyFile === undefined) return undefined
  return {
    certFile,
    keyFile,
    caFile: own.get('cafile'),
    caPath: own.get('capath'),
    requireCertificate: own.get('require_certificate') ?? false,
    crlFile: own.get('crlfile'),
    checkClientDates: own.get('disable_client_cert_date_checks') !== true,
    minimumVersion: versionOf(own.get('tls_version'), own.placeOf('tls_version') ?? place),
    ciphers: own.get('ciphers'),
    ciphersTls13: own.get('ciphers_tls1.3'),
  }
}

function versionOf(text: string | undefined, place: Place): ListenerTls['minimumVersion'] {
  if (text === undefined || text === 'tlsv1.2') return 'TLSv1.2'
  if (text === 'tlsv1.3') return 'TLSv1.3'
  throw new ListenerFault(
    text === 'tlsv1.1'
      ? `tls_version tlsv1.1 at ${placed(place)}: it is no longer safe, and not spoken; use tlsv1.2.`
      : `Unsupported tls_version "${text}" at ${placed(place)}; use tlsv1.2 or tlsv1.3.`,
  )
}

/** The file is good, and the listener cannot be had. */
export class ListenerFault extends Error {
  override readonly name = 'ListenerFault'
}

/** What decides who may connect by this listener. */
function securityOf(section: ListenerSection, { security, plugins, perListener, localOnly }: Sections): SecurityConf {
  const { own } = section
  const at = perListener && !localOnly ? section.security : security
  const loaded = [...plugins, ...section.plugins]
  return {
    allowAnonymous: anonymousOf(own, at, at === section.security) ?? localOnly,
    passwordFile: fileOf(at.get('password_file'), at.placeOf('password_file'), loaded, 'password_file'),
    aclFile: fileOf(at.get('acl_file'), at.placeOf('acl_file'), loaded, 'acl_file'),
    allowZeroLengthClientId: at.get('allow_zero_length_clientid') ?? true,
    autoIdPrefix: own.get('listener_auto_id_prefix') ?? at.get('auto_id_prefix') ?? AUTO,
  }
}

/** Behind `per_listener_settings true` the two options are one, and the last line counts, as with Mosquitto. */
function anonymousOf(own: ListenerSection['own'], security: Sections['security'], isOne: boolean): boolean | undefined {
  const ofListener = own.placeOf('listener_allow_anonymous')
  const other = security.placeOf('allow_anonymous')
  const isOther = ofListener === undefined || (isOne && other !== undefined && other.line > ofListener.line)
  return isOther ? security.get('allow_anonymous') : own.get('listener_allow_anonymous')
}

/** Of the option, or of the plugin that equals it. */
function fileOf(
  option: string | undefined,
  place: Place | undefined,
  plugins: readonly PluginSection[],
  name: 'password_file' | 'acl_file',
): string | undefined {
  let found = option
  for (const plugin of plugins) {
    if (pluginName(plugin.path) !== `mosquitto_${name}.so`) continue
    const unknown = [...plugin.options].find(([key]) => key !== name)
    if (unknown !== undefined)
      throw new ConfError(`${pluginName(plugin.path)}: Unknown option '${unknown[0]}'.`, unknown[1].place)
    const given = plugin.options.get(name)
    if (given === undefined)
      throw new ConfError(`The plugin ${pluginName(plugin.path)} needs plugin_opt_${name}.`, plugin.place)
    if (found !== undefined && found !== given.value)
      throw new ConfError(
        `Only one ${name} holds for a listener, and '${found}'${place === undefined ? '' : ` (${placed(place)})`} is one already.`,
        given.place,
      )
    found = given.value
  }
  return found
}
