/**
 * Every option of Mosquitto 2.0 and 2.1, and the options of 1.x that are still in use: its scope, its values, and its
 * effect here. The parser and the table in docs/mosquitto.md both use this table.
 */
import { readLogDestination, readLogType } from './log-values.ts'
import {
  readAddresses,
  readAlias,
  readBridgeTopic,
  readDuration,
  readMemory,
  readProtocolLevels,
  readRestart,
  readStartType,
  readTcpKeepAlive,
} from './own-values.ts'
import { flag, oneOf, own, text, type Value, whole } from './values.ts'

/**
 * - `global`: allowed anywhere, applies to all listeners.
 * - `security`: as global; after `per_listener_settings true`, applies to the listener above it.
 * - `listener`: applies to the listener above it, and is an error without one.
 * - `default listener`: the same; without a listener above it, it creates one on port 1883.
 * - `bridge`: applies to the `connection` above it.
 * - `plugin`: applies to the plugin above it.
 * - `section`: starts or includes something; the parser knows what.
 */
export type Scope = 'global' | 'security' | 'listener' | 'default listener' | 'bridge' | 'plugin' | 'section'

export interface Option<T = unknown, S extends Scope = Scope> {
  readonly scope: S
  readonly value: Value<T>
  /** `accepted`: parsed, without effect, with one warning. `refused`: the server does not start. */
  readonly fate: 'works' | 'accepted' | 'refused'
  /** What it does, why it has no effect, or what to do instead. */
  readonly about: string
  /** A value with which a refused option asks for nothing, and is therefore allowed. */
  readonly harmless?: T
}

type Make = <T, S extends Scope>(scope: S, value: Value<T>, about: string) => Option<T, S>

const works: Make = (scope, value, about) => ({ scope, value, about, fate: 'works' })
const accepted: Make = (scope, value, about) => ({ scope, value, about, fate: 'accepted' })

function refused<T, S extends Scope>(scope: S, value: Value<T>, about: string, harmless?: T): Option<T, S> {
  return { scope, value, about, fate: 'refused', ...(harmless === undefined ? {} : { harmless }) }
}

const PORT = { minimum: 0, maximum: 65_535 }
const invalid = (name: string) => () => `Invalid '${name}' value in configuration.`
const ALIASES = (name: string) => whole({ ...PORT, problem: invalid(name) })
const PATH = 'a path'
const NO_PSK =
  'TLS with pre-shared keys is not supported: give clients certificates, or usernames and passwords over TLS'
const NO_ENGINE = 'OpenSSL engines are not supported: set `keyfile` to a PEM file with the key'
const ENCODED = 'at most 50 bytes'

export const OPTIONS = {
  // Listeners.
  listener: works(
    'section',
    text('a port, then an address; or `0` and the path of a Unix socket', 'adds'),
    'starts a listener; without an address, it listens on all IPv4 and IPv6 addresses',
  ),
  port: works('section', text('1 to 65535', 'adds'), 'port of the default listener; prefer `listener`'),
  bind_address: works('section', text('an address or name'), 'address of the default listener; prefer `listener`'),
  bind_interface: works(
    'default listener',
    text('the name of a network interface'),
    'listens on the addresses that this interface has at start',
  ),
  socket_domain: works('default listener', oneOf(['ipv4', 'ipv6']), 'only addresses of that family'),
  protocol: works(
    'default listener',
    oneOf(['mqtt', 'websockets', 'http_api']),
    '`websockets` works at any path; `http_api` is refused: use the metrics and the HTTP API of PUSH_HTTP_PORT instead',
  ),
  max_connections: works('default listener', whole(), 'open connections of this listener; below 1 means no limit'),
  global_max_clients: works(
    'global',
    whole(),
    'connected clients and kept sessions; beyond it, new clients are refused; below 1 means no limit',
  ),
  global_max_connections: works(
    'global',
    whole(),
    'open connections of all listeners and the HTTP port; below 1 means PUSH_MAX_CONNECTIONS. A change takes effect after a restart',
  ),
  accept_protocol_versions: works(
    'listener',
    own('comma-separated list of `3`, `4`, `5`', 'replaces', readProtocolLevels),
    'MQTT 3.1, 3.1.1, 5; other versions are refused',
  ),
  enable_proxy_protocol: works(
    'listener',
    whole({ minimum: 1, maximum: 2, problem: () => 'enable_proxy_protocol must be 1 or 2.' }),
    'every connection must start with a PROXY header of this version; the header is trusted from any address',
  ),
  proxy_protocol_v2_require_tls: works('listener', flag, 'the header must say that the client came over TLS'),
  mount_point: works(
    'listener',
    text('a topic without wildcards', 'replaces'),
    'prefix of all topics and filters of users on this listener, invisible to them; does not apply to devices and providers',
  ),
  max_qos: works(
    'default listener',
    whole({ minimum: 0, maximum: 2, problem: () => "'max_qos' must be between 0 and 2 inclusive." }),
    'maximum QoS of a PUBLISH',
  ),
  max_topic_alias: works('listener', ALIASES('max_topic_alias'), 'topic aliases that one client may assign; 10'),
  max_topic_alias_broker: works(
    'listener',
    ALIASES('max_topic_alias_broker'),
    'topic aliases that the server assigns to one client; 10',
  ),
  use_username_as_clientid: works(
    'default listener',
    flag,
    'uses the username as client id, whatever the client sends; a client without username is refused',
  ),
  http_dir: refused(
    'listener',
    text(PATH),
    'serving files is not supported: use a web server for them, and a listener with `protocol websockets` for MQTT',
  ),
  websockets_origin: works(
    'listener',
    text('a host name or an origin', 'adds'),
    'web pages may connect only from these origins; programs send no origin and are not affected',
  ),
  websockets_headers_size: accepted('global', bufferSize(), 'Node.js has a fixed limit of 16 KiB'),
  packet_buffer_size: accepted('global', bufferSize(), 'buffers grow as needed'),
  websockets_log_level: accepted('global', whole(), 'WebSocket connections are logged like all others'),

  // TLS of a listener.
  certfile: works(
    'default listener',
    text(PATH, 'replaces'),
    'PEM file with the certificate and its intermediates; reloaded when it changes, and on SIGHUP',
  ),
  keyfile: works('default listener', text(PATH, 'replaces'), 'PEM file with its private key'),
  cafile: works('listener', text(PATH, 'replaces'), 'PEM file with the CA certificates for client certificates'),
  capath: works(
    'default listener',
    text(PATH, 'replaces'),
    'folder of such files: names that end in `.crt` or `.pem`, and hash names',
  ),
  require_certificate: works(
    'default listener',
    flag,
    'clients must present a certificate; if false, the server does not ask for one',
  ),
  use_identity_as_username: works(
    'default listener',
    flag,
    'takes the username from the Common Name of the certificate; ignores the password',
  ),
  use_subject_as_username: works(
    'default listener',
    flag,
    'takes the username from the whole subject of the certificate (RFC 2253); ignores the password',
  ),
  crlfile: works('default listener', text(PATH, 'replaces'), 'PEM file of revoked certificates'),
  disable_client_cert_date_checks: works('listener', flag, 'accepts expired client certificates'),
  tls_version: works('listener', text('`tlsv1.3` or `tlsv1.2`'), 'minimum TLS version; TLS 1.1 is refused'),
  ciphers: works('default listener', text('an OpenSSL cipher list', 'replaces'), 'for TLS 1.2'),
  'ciphers_tls1.3': works('default listener', text('colon-separated names', 'replaces'), 'for TLS 1.3'),
  dhparamfile: accepted('global', text(PATH, 'replaces'), 'OpenSSL selects the parameters'),
  tls_keyform: works('default listener', text('`pem`', 'replaces'), `\`engine\` is refused: ${NO_ENGINE}`),
  tls_engine: refused('default listener', text('a name'), NO_ENGINE),
  tls_engine_kpass_sha1: refused('default listener', text('a hash'), NO_ENGINE),
  psk_file: refused('security', text(PATH, 'replaces'), NO_PSK),
  psk_hint: refused('default listener', text('any text'), NO_PSK),

  // Who may connect, and for what.
  per_listener_settings: works(
    'section',
    flag,
    'the options of *all, or a listener* that follow apply to one listener each; must come before all of them',
  ),
  allow_anonymous: works(
    'security',
    flag,
    'admits clients without a username and, if there is no password file, with any username. Default: false, or true if the file has no listener. Applies to all listeners even inside one, unless per_listener_settings is true',
  ),
  listener_allow_anonymous: works('listener', flag, 'the same for this listener only; overrides allow_anonymous'),
  password_file: works(
    'security',
    text(PATH, 'replaces'),
    'users, as mosquitto_passwd writes them; reloaded on SIGHUP',
  ),
  acl_file: works('security', text(PATH, 'replaces'), 'which topics users may read and write; reloaded on SIGHUP'),
  allow_zero_length_clientid: works('security', flag, 'a client without client id gets a generated one'),
  auto_id_prefix: works('security', own(ENCODED, 'fails', readAlias), 'prefix of generated client ids; `auto-`'),
  listener_auto_id_prefix: works('listener', own(ENCODED, 'fails', readAlias), 'the same for this listener'),
  clientid_prefixes: works('global', text('any text', 'replaces'), 'refuses users whose client id has another prefix'),
  plugin: works(
    'section',
    text('the path of a plugin', 'adds'),
    '`mosquitto_password_file.so` and `mosquitto_acl_file.so` act as `password_file` and `acl_file`; others are refused',
  ),
  global_plugin: works(
    'section',
    text('the path of a plugin', 'adds'),
    'the same for all listeners, even with per_listener_settings',
  ),
  plugin_load: works(
    'section',
    text('a name and the path of a plugin', 'adds'),
    'the same, for listeners that refer to it with `plugin_use`',
  ),
  plugin_use: works('section', text('a name', 'adds'), 'uses a plugin from `plugin_load` on this listener'),
  'plugin_opt_*': works('plugin', text('any text', 'adds'), '`plugin_opt_password_file` and `plugin_opt_acl_file`'),
  auth_plugin_deny_special_chars: accepted(
    'plugin',
    flag,
    'a username or client id with `+` or `#` never matches a pattern',
  ),

  // All users and their topics.
  max_packet_size: works(
    'global',
    whole({ minimum: 20, problem: () => "'max_packet_size' must be >= 20." }),
    'maximum packet size of a user; 2000000',
  ),
  message_size_limit: works(
    'global',
    whole({ minimum: 0, maximum: 268_435_455 }),
    'maximum payload size; a larger message is acknowledged and dropped; 0 means no limit',
  ),
  max_inflight_messages: works(
    'global',
    whole({ maximum: 65_535, problem: () => "'max_inflight_messages' must be <= 65535." }),
    'unacknowledged messages to one user; 0 means no limit; 20',
  ),
  max_inflight_bytes: accepted('global', whole(), 'max_inflight_messages and PUSH_MAX_OUTPUT limit what is in flight'),
  max_queued_messages: works('global', whole(), 'queued messages of one user; 0 means no limit; 1000'),
  max_queued_bytes: works('global', whole(), 'payload bytes of the queued messages of one user; 0 means no limit'),
  queue_qos0_messages: works('global', flag, 'queues QoS 0 messages for offline sessions'),
  max_keepalive: works('global', whole(PORT), 'maximum keep alive, s; 0 means no limit'),
  persistent_client_expiration: works(
    'global',
    own('a whole number and `s`, `h`, `d`, `w`, `m` or `y`', 'replaces', readDuration),
    'how long the session of an offline client is kept',
  ),
  retain_available: works('global', flag, 'whether messages are retained'),
  retain_expiry_interval: refused(
    'global',
    whole({ minimum: 1 }),
    'retained messages do not expire: let their publisher set a Message Expiry Interval (MQTT 5)',
  ),
  upgrade_outgoing_qos: works('global', flag, 'delivers messages with the QoS of the subscription'),
  check_retain_source: works(
    'global',
    flag,
    'delivers a retained message only while its publisher may still write to the topic; true',
  ),
  allow_duplicate_messages: accepted(
    'global',
    flag,
    'a client receives a message once even if several of its subscriptions match, as with false',
  ),
  sys_interval: works('global', whole(PORT), 'interval of $SYS updates, s; 0 turns them off; 10'),
  enable_control_api: refused(
    'global',
    flag,
    '$CONTROL is not supported: use commands such as `aedes-push keys` (see its `--help`)',
    false,
  ),

  // Where things are, and how the process runs.
  persistence: works(
    'global',
    flag,
    'false, the default, keeps general topics in memory only; push messages are always stored',
  ),
  persistence_location: works('global', text(PATH), 'the data directory, unless PUSH_DATA_DIR is set'),
  persistence_file: works(
    'global',
    text('a file name'),
    'if the file exists, the server hints at `aedes-push import-mosquitto`; it never writes to the file',
  ),
  autosave_interval: accepted('global', whole(), 'every message is stored before it is acknowledged'),
  autosave_on_changes: accepted('global', flag, 'every message is stored before it is acknowledged'),
  memory_limit: accepted(
    'global',
    own('bytes', 'replaces', readMemory),
    'the limits of the queues bound the memory: PUSH_MAX_QUEUED_BYTES_IN_ALL',
  ),
  set_tcp_nodelay: accepted('global', flag, 'always on'),
  pid_file: works('global', text(PATH), 'written at start, removed at exit'),
  user: works(
    'global',
    text('a user of the system', 'replaces'),
    'user that a server started as root switches to before it opens anything; default `mosquitto`, or `nobody` if there is none',
  ),
  include_dir: works('section', text('a folder', 'adds'), 'reads all `*.conf` files in the folder'),

  // Log.
  log_dest: works(
    'global',
    own('`stderr`, `stdout`, `file` and a path, `none`, `syslog`, `topic`, `dlt`', 'adds', readLogDestination),
    '`syslog` writes to stderr, which service managers collect; `topic` and `dlt` have no effect; each logs a warning',
  ),
  log_type: works(
    'global',
    own(
      '`all`, `none`, `error`, `warning`, `notice`, `information`, `debug`, `subscribe`, `unsubscribe`, `websockets`, `internal`',
      'adds',
      readLogType,
    ),
    'types of lines to log; the last four log nothing',
  ),
  log_timestamp: works('global', flag, 'puts the time before each line'),
  log_timestamp_format: works('global', text('a strftime format'), 'instead of seconds since 1970'),
  log_facility: accepted('global', whole({ minimum: 0, maximum: 7 }), 'syslog is not supported'),
  connection_messages: works('global', flag, 'logs each client that connects or disconnects'),

  // Bridges.
  connection: works('section', text('a name', 'adds'), 'starts a bridge'),
  address: works(
    'bridge',
    own('`host[:port]`, space-separated', 'fails', readAddresses),
    'addresses of the other broker',
  ),
  topic: works(
    'bridge',
    own('pattern, direction, QoS, local prefix, remote prefix', 'adds', readBridgeTopic),
    'topics to forward, and in which direction',
  ),
  bridge_attempt_unsubscribe: works('bridge', flag, 'unsubscribes outgoing topics at the other broker; true'),
  bridge_bind_address: works('bridge', text('an address'), 'local address of the connection'),
  bridge_max_packet_size: works('bridge', whole(), 'maximum size of packets to the other broker; 0 means no limit'),
  bridge_max_topic_alias: works(
    'bridge',
    whole({ ...PORT, problem: () => 'bridge_max_topic_alias must be > 0 and <= 65535.' }),
    'MQTT 5; 10',
  ),
  bridge_outgoing_retain: works('bridge', flag, 'if false, removes RETAIN from outgoing messages'),
  bridge_protocol_version: works('bridge', oneOf(['mqttv31', 'mqttv311', 'mqttv50']), 'mqttv311'),
  bridge_receive_maximum: works(
    'bridge',
    whole({
      minimum: 1,
      maximum: 65_535,
      problem: (value) =>
        value < 1
          ? 'bridge_receive_maximum must be greater than 0.'
          : 'bridge_receive_maximum must be lower than 65535.',
    }),
    'MQTT 5; max_inflight_messages',
  ),
  bridge_reload_type: works('bridge', oneOf(['lazy', 'immediate']), 'lazy'),
  bridge_session_expiry_interval: works(
    'bridge',
    whole({ minimum: 0, problem: () => 'bridge_session_expiry_interval must not be negative.' }),
    'MQTT 5, s; with 0, the other broker drops the session, and its messages, when the connection is lost',
  ),
  bridge_tcp_keepalive: works(
    'bridge',
    own('idle, interval and counter', 'replaces', readTcpKeepAlive),
    'only the idle time has an effect',
  ),
  bridge_tcp_user_timeout: accepted(
    'bridge',
    whole({ minimum: 0, problem: () => 'invalid TCP user timeout value.' }),
    'the keep alive ends a dead connection',
  ),
  cleansession: works('bridge', flag, 'false'),
  local_cleansession: works('bridge', flag, 'cleansession'),
  idle_timeout: works('bridge', whole(), 'for `lazy`, s; 60'),
  keepalive_interval: works(
    'bridge',
    whole({ maximum: 65_535, problem: () => 'Bridge keepalive value too high.' }),
    's, at least 5; 60',
  ),
  local_clientid: works('bridge', text('a client id'), 'local.<remote_clientid>'),
  local_password: works('bridge', text('a password'), 'ignored: the bridges in this file are trusted'),
  local_username: works('bridge', text('a username'), 'its username on this server; ACL files do not apply to it'),
  notifications: works('bridge', flag, 'true'),
  notifications_local_only: works('bridge', flag, 'false'),
  notification_topic: works('bridge', text('a topic'), '$SYS/broker/connection/<remote_clientid>/state'),
  remote_clientid: works('bridge', text('a client id'), '<hostname>.<name>'),
  remote_password: works('bridge', text('a password'), ''),
  remote_username: works('bridge', text('a username'), ''),
  restart_timeout: works(
    'bridge',
    own('seconds; or base, cap and stable period', 'replaces', readRestart),
    '5 to 30 s with jitter',
  ),
  round_robin: works('bridge', flag, 'false, the default, prefers the first address'),
  start_type: works('bridge', own('`automatic`, `lazy` or `once`', 'replaces', readStartType), 'automatic'),
  threshold: works('bridge', whole(), 'for `lazy`, messages; 10'),
  try_private: works('bridge', flag, 'true'),
  bridge_alpn: works('bridge', text('a protocol name'), ''),
  bridge_cafile: works('bridge', text(PATH), ''),
  bridge_capath: works('bridge', text(PATH), ''),
  bridge_certfile: works('bridge', text(PATH), ''),
  bridge_keyfile: works('bridge', text(PATH, 'replaces'), ''),
  bridge_ciphers: works('bridge', text('an OpenSSL cipher list'), ''),
  'bridge_ciphers_tls1.3': works('bridge', text('colon-separated names'), ''),
  bridge_insecure: works('bridge', flag, 'does not check the name in the certificate'),
  bridge_tls_use_os_certs: works('bridge', flag, 'also trusts the CA certificates of the system'),
  bridge_tls_version: works('bridge', text('`tlsv1.3`, `tlsv1.2` or `tlsv1.1`'), 'minimum TLS version; tlsv1.2'),
  bridge_require_ocsp: refused('bridge', flag, 'OCSP is not supported: use short-lived certificates', false),
  bridge_identity: refused('bridge', text('any text'), NO_PSK),
  bridge_psk: refused('bridge', text('any text'), NO_PSK),

  // Of Mosquitto 1.x.
  retry_interval: accepted(
    'global',
    text('any text', 'replaces'),
    'of Mosquitto 1.x; unacknowledged messages are sent again when the client reconnects',
  ),
  store_clean_interval: accepted('global', text('any text', 'replaces'), 'of Mosquitto 1.x'),
  max_log_entries: accepted('global', text('any text', 'replaces'), 'of rsmb'),
  trace_level: accepted('global', text('any text', 'replaces'), 'of rsmb'),
  trace_output: accepted('global', text('any text', 'replaces'), 'of rsmb'),
  ffdc_output: accepted('global', text('any text', 'replaces'), 'of rsmb'),
  daemon: accepted('global', text('any text', 'replaces'), 'not an option of the file: use -d, or a service manager'),
} as const satisfies Record<string, Option>

/** Aliases of options. */
export const ALTERNATIVES: Readonly<Record<string, OptionName>> = {
  addresses: 'address',
  auth_plugin: 'plugin',
  clientid: 'remote_clientid',
  maximum_qos: 'max_qos',
  password: 'remote_password',
  retained_persistence: 'persistence',
  username: 'remote_username',
}

export type OptionName = keyof typeof OPTIONS
export type NamesIn<S extends Scope> = {
  [N in OptionName]: (typeof OPTIONS)[N]['scope'] extends S ? N : never
}[OptionName]
export type ValueOf<N extends OptionName> = (typeof OPTIONS)[N]['value'] extends Value<infer T> ? T : never

function bufferSize(): Value<number> {
  return whole({ ...PORT, problem: () => 'Packet buffer size must be between 0 and 65535 inclusive.' })
}
