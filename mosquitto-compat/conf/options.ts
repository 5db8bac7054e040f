/**
 * Every option of Mosquitto 2.0 and 2.1, and those of 1.x that real files still hold: where it may stand, its values, and
 * what becomes of it here. The reader of files has it all from here, and so has the table of docs/mosquitto.md.
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
 * - `global`: anywhere, for all listeners.
 * - `security`: as global; behind `per_listener_settings true`, of the listener above it.
 * - `listener`: of the listener above it, and an error without one.
 * - `default listener`: the same; without one above it, of a listener on port 1883 that it makes.
 * - `bridge`: of the `connection` above it.
 * - `plugin`: of the plugin above it.
 * - `section`: begins or includes something; the reader knows what.
 */
export type Scope = 'global' | 'security' | 'listener' | 'default listener' | 'bridge' | 'plugin' | 'section'

export interface Option<T = unknown, S extends Scope = Scope> {
  readonly scope: S
  readonly value: Value<T>
  /** `accepted`: it is read, has no effect, and one warning says so. `refused`: the server does not start with it. */
  readonly fate: 'works' | 'accepted' | 'refused'
  /** What it does; why it has no effect; or what to do in its place. */
  readonly about: string
  /** Of a refused one: a value with which it asks for nothing, and is taken. */
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
const NO_PSK = 'TLS with pre-shared keys is not there: give clients certificates, or user names and passwords over TLS'
const NO_ENGINE = 'OpenSSL engines cannot be loaded: give the key as a PEM file in `keyfile`'
const ENCODED = 'a text of at most 50 bytes'

export const OPTIONS = {
  // Listeners.
  listener: works(
    'section',
    text('a port, then an address; or `0` and the path of a Unix socket', 'adds'),
    'begins a listener; without an address on all of them, IPv4 and IPv6',
  ),
  port: works('section', text('1 to 65535', 'adds'), 'the port of the default listener; `listener` says the same'),
  bind_address: works(
    'section',
    text('an address or name'),
    'the address of the default listener; `listener` says the same',
  ),
  bind_interface: works(
    'default listener',
    text('the name of a network interface'),
    'listens on the addresses of that interface, as they are at start',
  ),
  socket_domain: works('default listener', oneOf(['ipv4', 'ipv6']), 'only addresses of that family'),
  protocol: works(
    'default listener',
    oneOf(['mqtt', 'websockets', 'http_api']),
    '`websockets` at any path; `http_api` is refused: the metrics and the HTTP API of PUSH_HTTP_PORT are in its place',
  ),
  max_connections: works(
    'default listener',
    whole(),
    'connections of this listener at one time; below 1 is without limit',
  ),
  global_max_clients: works(
    'global',
    whole(),
    'clients that are connected, and sessions that are kept, at one time: whoever is new is refused; below 1 is without limit',
  ),
  global_max_connections: works(
    'global',
    whole(),
    'connections of all listeners and of the HTTP port at one time; below 1 it is PUSH_MAX_CONNECTIONS. A change counts after a restart',
  ),
  accept_protocol_versions: works(
    'listener',
    own('some of `3`, `4`, `5`, with commas', 'replaces', readProtocolLevels),
    'MQTT 3.1, 3.1.1, 5; other versions are refused',
  ),
  enable_proxy_protocol: works(
    'listener',
    whole({ minimum: 1, maximum: 2, problem: () => 'enable_proxy_protocol must be 1 or 2.' }),
    'every connection begins with a PROXY header of that version; whoever connects is believed',
  ),
  proxy_protocol_v2_require_tls: works('listener', flag, 'the header must say that the client came over TLS'),
  mount_point: works(
    'listener',
    text('a topic without wildcards', 'replaces'),
    'before every topic and filter of users here, who do not see it; devices and providers are not touched',
  ),
  max_qos: works(
    'default listener',
    whole({ minimum: 0, maximum: 2, problem: () => "'max_qos' must be between 0 and 2 inclusive." }),
    'highest QoS of a PUBLISH',
  ),
  max_topic_alias: works('listener', ALIASES('max_topic_alias'), 'topic aliases taken from one client; 10'),
  max_topic_alias_broker: works('listener', ALIASES('max_topic_alias_broker'), 'topic aliases made for one client; 10'),
  use_username_as_clientid: works(
    'default listener',
    flag,
    'the client id of a user is its user name, whatever it sends; without a user name it is refused',
  ),
  http_dir: refused(
    'listener',
    text(PATH),
    'files are not served: use a web server for them, and a listener with `protocol websockets` for MQTT',
  ),
  websockets_origin: works(
    'listener',
    text('a host name or an origin', 'adds'),
    'only web pages of these origins may connect; programs, which send none, as ever',
  ),
  websockets_headers_size: accepted('global', bufferSize(), 'Node has a limit of 16 KiB of its own'),
  packet_buffer_size: accepted('global', bufferSize(), 'buffers grow as they are needed'),
  websockets_log_level: accepted('global', whole(), 'WebSocket connections are logged like others'),

  // TLS of a listener.
  certfile: works(
    'default listener',
    text(PATH, 'replaces'),
    'PEM file with the certificate and those between it and the root; it is looked at again on SIGHUP, and when it changes',
  ),
  keyfile: works('default listener', text(PATH, 'replaces'), 'PEM file with its private key'),
  cafile: works('listener', text(PATH, 'replaces'), 'PEM file with the certificates that vouch for those of clients'),
  capath: works(
    'default listener',
    text(PATH, 'replaces'),
    'folder of such files; all that end in `.crt` or `.pem`, or are named by a hash, are taken',
  ),
  require_certificate: works(
    'default listener',
    flag,
    'clients must have a certificate; without it, none is asked for',
  ),
  use_identity_as_username: works(
    'default listener',
    flag,
    'the user name is the Common Name of the certificate, and the password is not looked at',
  ),
  use_subject_as_username: works(
    'default listener',
    flag,
    'the user name is the whole subject of the certificate (RFC 2253), and the password is not looked at',
  ),
  crlfile: works('default listener', text(PATH, 'replaces'), 'PEM file of revoked certificates'),
  disable_client_cert_date_checks: works('listener', flag, 'certificates of clients that have expired are good'),
  tls_version: works('listener', text('`tlsv1.3` or `tlsv1.2`'), 'minimum version; TLS 1.1 is refused'),
  ciphers: works('default listener', text('a list as OpenSSL has it', 'replaces'), 'for TLS 1.2'),
  'ciphers_tls1.3': works('default listener', text('names with `:`', 'replaces'), 'for TLS 1.3'),
  dhparamfile: accepted('global', text(PATH, 'replaces'), 'OpenSSL chooses the parameters'),
  tls_keyform: works('default listener', text('`pem`', 'replaces'), `\`engine\` is refused: ${NO_ENGINE}`),
  tls_engine: refused('default listener', text('a name'), NO_ENGINE),
  tls_engine_kpass_sha1: refused('default listener', text('a hash'), NO_ENGINE),
  psk_file: refused('security', text(PATH, 'replaces'), NO_PSK),
  psk_hint: refused('default listener', text('a text'), NO_PSK),

  // Who may connect, and for what.
  per_listener_settings: works(
    'section',
    flag,
    "what follows of the options marked with it is each listener's own; it must stand before all of them",
  ),
  allow_anonymous: works(
    'security',
    flag,
    'clients without a user name are let in; without password file, those with any name too. Default false; true where the file has no listener. Inside a listener it is global all the same, unless per_listener_settings is true',
  ),
  listener_allow_anonymous: works('listener', flag, 'the same for this listener alone, whatever allow_anonymous says'),
  password_file: works(
    'security',
    text(PATH, 'replaces'),
    'users, as mosquitto_passwd writes them; it is read again on SIGHUP',
  ),
  acl_file: works(
    'security',
    text(PATH, 'replaces'),
    'which topics they may read and write; it is read again on SIGHUP',
  ),
  allow_zero_length_clientid: works('security', flag, 'an empty client id is given one'),
  auto_id_prefix: works('security', own(ENCODED, 'fails', readAlias), 'before client ids that are made; `auto-`'),
  listener_auto_id_prefix: works('listener', own(ENCODED, 'fails', readAlias), 'the same for this listener'),
  clientid_prefixes: works('global', text('a text', 'replaces'), 'users whose client id begins otherwise are refused'),
  plugin: works(
    'section',
    text('the path of a plugin', 'adds'),
    '`mosquitto_password_file.so` and `mosquitto_acl_file.so` equal `password_file` and `acl_file`; others are refused',
  ),
  global_plugin: works(
    'section',
    text('the path of a plugin', 'adds'),
    'the same, for all listeners whatever per_listener_settings says',
  ),
  plugin_load: works(
    'section',
    text('a name and the path of a plugin', 'adds'),
    'the same, for listeners that name it in `plugin_use`',
  ),
  plugin_use: works('section', text('a name', 'adds'), 'a plugin of `plugin_load` for this listener'),
  'plugin_opt_*': works('plugin', text('a text', 'adds'), '`plugin_opt_password_file` and `plugin_opt_acl_file`'),
  auth_plugin_deny_special_chars: accepted(
    'plugin',
    flag,
    'a user name or client id with `+` or `#` matches no pattern, always',
  ),

  // All users and their topics.
  max_packet_size: works(
    'global',
    whole({ minimum: 20, problem: () => "'max_packet_size' must be >= 20." }),
    'largest packet of a user; 2000000',
  ),
  message_size_limit: works(
    'global',
    whole({ minimum: 0, maximum: 268_435_455 }),
    'largest payload; a larger one is acknowledged and dropped; 0 is without limit',
  ),
  max_inflight_messages: works(
    'global',
    whole({ maximum: 65_535, problem: () => "'max_inflight_messages' must be <= 65535." }),
    'unacknowledged messages to one user; 0 is without limit; 20',
  ),
  max_inflight_bytes: accepted(
    'global',
    whole(),
    'what is under way to a user is limited by max_inflight_messages and PUSH_MAX_OUTPUT',
  ),
  max_queued_messages: works('global', whole(), 'messages that wait for one user; 0 is without limit; 1000'),
  max_queued_bytes: works('global', whole(), 'payload bytes that wait for one user; 0 is without limit'),
  queue_qos0_messages: works('global', flag, 'QoS 0 is kept for sessions whose client is away'),
  max_keepalive: works('global', whole(PORT), 'longest keep alive, s; 0 is without limit'),
  persistent_client_expiration: works(
    'global',
    own('a whole number and `s`, `h`, `d`, `w`, `m` or `y`', 'replaces', readDuration),
    'how long a session is kept whose client does not come back',
  ),
  retain_available: works('global', flag, 'whether messages are retained'),
  retain_expiry_interval: refused(
    'global',
    whole({ minimum: 1 }),
    'retained messages stay until they are replaced: let their publisher set Message Expiry Interval (MQTT 5)',
  ),
  upgrade_outgoing_qos: works('global', flag, 'messages go out with the QoS of the subscription'),
  check_retain_source: works(
    'global',
    flag,
    'a retained message goes out only while its publisher may still write there; true',
  ),
  allow_duplicate_messages: accepted(
    'global',
    flag,
    'a message goes to a client once for each of its subscriptions, as with true',
  ),
  sys_interval: works('global', whole(PORT), 'seconds between two updates of $SYS; 0 is none at all; 10'),
  enable_control_api: refused(
    'global',
    flag,
    'there is no $CONTROL: `aedes-push keys --help` shows what is administered, and how',
    false,
  ),

  // Where things are, and how the process runs.
  persistence: works(
    'global',
    flag,
    'false, the default: general topics are kept in memory only; push is stored all the same',
  ),
  persistence_location: works('global', text(PATH), 'the data directory, unless PUSH_DATA_DIR is set'),
  persistence_file: works(
    'global',
    text('a file name'),
    'where `aedes-push import-mosquitto` is hinted at; nothing is written to it',
  ),
  autosave_interval: accepted('global', whole(), 'what is acknowledged is stored'),
  autosave_on_changes: accepted('global', flag, 'what is acknowledged is stored'),
  memory_limit: accepted(
    'global',
    own('bytes', 'replaces', readMemory),
    'limits of queues hold memory down: PUSH_MAX_QUEUED_BYTES_IN_ALL',
  ),
  set_tcp_nodelay: accepted('global', flag, 'it is always set'),
  pid_file: works('global', text(PATH), 'written at start, removed at the end'),
  user: works(
    'global',
    text('a user of the system', 'replaces'),
    'what root becomes before anything is opened; without it `mosquitto`, or `nobody` where there is none',
  ),
  include_dir: works('section', text('a folder', 'adds'), 'reads all of its `*.conf`'),

  // Log.
  log_dest: works(
    'global',
    own('`stderr`, `stdout`, `file` and a path, `none`, `syslog`, `topic`, `dlt`', 'adds', readLogDestination),
    '`syslog` goes to stderr, which service managers pass on; `topic` and `dlt` go nowhere; each with a warning',
  ),
  log_type: works(
    'global',
    own(
      '`all`, `none`, `error`, `warning`, `notice`, `information`, `debug`, `subscribe`, `unsubscribe`, `websockets`, `internal`',
      'adds',
      readLogType,
    ),
    'which lines are written; the last four write nothing',
  ),
  log_timestamp: works('global', flag, 'the time before each line'),
  log_timestamp_format: works('global', text('as strftime has it'), 'instead of seconds since 1970'),
  log_facility: accepted('global', whole({ minimum: 0, maximum: 7 }), 'there is no syslog'),
  connection_messages: works('global', flag, 'a line for each client that connects and disconnects'),

  // Bridges.
  connection: works('section', text('a name', 'adds'), 'begins a bridge'),
  address: works(
    'bridge',
    own('`host[:port]`, several with spaces', 'fails', readAddresses),
    'where the other broker is',
  ),
  topic: works(
    'bridge',
    own('pattern, direction, QoS, local prefix, remote prefix', 'adds', readBridgeTopic),
    'which topics go to and fro',
  ),
  bridge_attempt_unsubscribe: works('bridge', flag, 'unsubscribes at the other broker what only goes out; true'),
  bridge_bind_address: works('bridge', text('an address'), 'its own address of the connection'),
  bridge_max_packet_size: works('bridge', whole(), 'largest packet it sends; 0 is without limit'),
  bridge_max_topic_alias: works(
    'bridge',
    whole({ ...PORT, problem: () => 'bridge_max_topic_alias must be > 0 and <= 65535.' }),
    'MQTT 5; 10',
  ),
  bridge_outgoing_retain: works('bridge', flag, 'false: RETAIN is taken off what goes out'),
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
    'MQTT 5, s; 0: what the other broker has for it is lost when the connection is',
  ),
  bridge_tcp_keepalive: works(
    'bridge',
    own('idle, interval and counter', 'replaces', readTcpKeepAlive),
    'the first of the three',
  ),
  bridge_tcp_user_timeout: accepted(
    'bridge',
    whole({ minimum: 0, problem: () => 'invalid TCP user timeout value.' }),
    'a connection that no longer answers ends by its keep alive',
  ),
  cleansession: works('bridge', flag, 'false'),
  local_cleansession: works('bridge', flag, 'cleansession'),
  idle_timeout: works('bridge', whole(), 'of a lazy one, s; 60'),
  keepalive_interval: works(
    'bridge',
    whole({ maximum: 65_535, problem: () => 'Bridge keepalive value too high.' }),
    's, at least 5; 60',
  ),
  local_clientid: works('bridge', text('a client id'), 'local.<remote_clientid>'),
  local_password: works('bridge', text('a password'), 'it is not looked at: a bridge of this file is trusted'),
  local_username: works('bridge', text('a user name'), 'its user name here; no ACL file binds it'),
  notifications: works('bridge', flag, 'true'),
  notifications_local_only: works('bridge', flag, 'false'),
  notification_topic: works('bridge', text('a topic'), '$SYS/broker/connection/<remote_clientid>/state'),
  remote_clientid: works('bridge', text('a client id'), '<hostname>.<name>'),
  remote_password: works('bridge', text('a password'), ''),
  remote_username: works('bridge', text('a user name'), ''),
  restart_timeout: works(
    'bridge',
    own('seconds; or base, cap and stable period', 'replaces', readRestart),
    '5 to 30 s with jitter',
  ),
  round_robin: works('bridge', flag, 'false: the first address is preferred'),
  start_type: works('bridge', own('`automatic`, `lazy` or `once`', 'replaces', readStartType), 'automatic'),
  threshold: works('bridge', whole(), 'of a lazy one, messages; 10'),
  try_private: works('bridge', flag, 'true'),
  bridge_alpn: works('bridge', text('a protocol name'), ''),
  bridge_cafile: works('bridge', text(PATH), ''),
  bridge_capath: works('bridge', text(PATH), ''),
  bridge_certfile: works('bridge', text(PATH), ''),
  bridge_keyfile: works('bridge', text(PATH, 'replaces'), ''),
  bridge_ciphers: works('bridge', text('a list as OpenSSL has it'), ''),
  'bridge_ciphers_tls1.3': works('bridge', text('names with `:`'), ''),
  bridge_insecure: works('bridge', flag, 'the name in the certificate is not looked at'),
  bridge_tls_use_os_certs: works('bridge', flag, 'certificates of the system vouch too'),
  bridge_tls_version: works('bridge', text('`tlsv1.3`, `tlsv1.2` or `tlsv1.1`'), 'the lowest; tlsv1.2'),
  bridge_require_ocsp: refused('bridge', flag, 'OCSP is not asked for: use certificates with a short life', false),
  bridge_identity: refused('bridge', text('a text'), NO_PSK),
  bridge_psk: refused('bridge', text('a text'), NO_PSK),

  // Of Mosquitto 1.x.
  retry_interval: accepted(
    'global',
    text('a text', 'replaces'),
    'of Mosquitto 1.x: what is unacknowledged is sent again when the client comes back',
  ),
  store_clean_interval: accepted('global', text('a text', 'replaces'), 'of Mosquitto 1.x'),
  max_log_entries: accepted('global', text('a text', 'replaces'), 'of rsmb'),
  trace_level: accepted('global', text('a text', 'replaces'), 'of rsmb'),
  trace_output: accepted('global', text('a text', 'replaces'), 'of rsmb'),
  ffdc_output: accepted('global', text('a text', 'replaces'), 'of rsmb'),
  daemon: accepted('global', text('a text', 'replaces'), 'it is no option of the file: use -d, or a service manager'),
} as const satisfies Record<string, Option>

/** Another name: what it stands for. */
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
