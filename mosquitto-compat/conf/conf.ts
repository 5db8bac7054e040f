/** Reads a mosquitto.conf, and the files that it includes. */
import { bridgesOf } from './bridges.ts'
import { listenersOf } from './listeners.ts'
import { logOf } from './log.ts'
import type { MosquittoConf, RulesConf } from './mosquitto-conf.ts'
import { type ConfFiles, readSections } from './read-sections.ts'
import type { Sections, Values } from './sections.ts'

export interface ReadConfOptions {
  /** Undefined: as an empty file. */
  readonly path: string | undefined
  readonly files: ConfFiles
  /** For the names of bridges. */
  readonly hostname: string
  /** Of the command line: where the file has no listener. */
  readonly ports: readonly number[]
}

const EMPTY = 'mosquitto.conf'
const NO_FILES: ConfFiles = { read: () => new Uint8Array(), list: () => [] }

/** @throws ConfError, ConfErrors */
export function readConf({ path, files, hostname, ports }: ReadConfOptions): MosquittoConf {
  const sections = path === undefined ? readSections(EMPTY, NO_FILES) : readSections(path, files)
  const { global } = sections
  const { log, warnings: logWarnings } = logOf(global)
  const { listeners, warnings } = listenersOf(sections, ports)
  return {
    listeners,
    rules: rulesOf(global),
    clientIdPrefix: global.get('clientid_prefixes'),
    maxClients: global.get('global_max_clients') ?? -1,
    maxConnections: global.get('global_max_connections') ?? -1,
    sysInterval: global.get('sys_interval') ?? 10,
    persistence: global.get('persistence') ?? false,
    persistenceLocation: global.get('persistence_location'),
    persistenceFile: global.get('persistence_file') ?? 'mosquitto.db',
    pidFile: global.get('pid_file'),
    user: global.get('user'),
    log,
    bridges: bridgesOf(sections, hostname),
    warnings: [...sections.warnings, ...warnings, ...logWarnings, ...portWarnings(sections, ports)],
  }
}

function portWarnings({ localOnly }: Sections, ports: readonly number[]): string[] {
  return localOnly || ports.length === 0 ? [] : ['-p is not looked at: the configuration file has listeners.']
}

const MOST_IN_FLIGHT = 65_535

function rulesOf(global: Values<'global'>): RulesConf {
  const window = global.get('max_inflight_messages') ?? 20
  return {
    maximumPacketSize: global.get('max_packet_size') ?? 2_000_000,
    payloadBytes: global.get('message_size_limit') ?? 0,
    window: window < 0 || window === MOST_IN_FLIGHT ? 0 : window,
    queuedMessages: Math.max(global.get('max_queued_messages') ?? 1000, 0),
    queuedBytes: Math.max(global.get('max_queued_bytes') ?? 0, 0),
    queueQos0: global.get('queue_qos0_messages') ?? false,
    maximumKeepAlive: global.get('max_keepalive') ?? 0,
    sessionExpiry: global.get('persistent_client_expiration') ?? 0,
    retainAvailable: global.get('retain_available') ?? true,
    upgradeOutgoingQos: global.get('upgrade_outgoing_qos') ?? false,
    checkRetainSource: global.get('check_retain_source') ?? true,
  }
}
