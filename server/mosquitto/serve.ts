/** A running server, as a mosquitto.conf describes it. */
import { randomUUID } from 'node:crypto'
import { loadTlsFiles } from '../../broker/index.ts'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import { createPush, type GeneralRules, type ListenerRules, type Push, type PushLimits } from '../../index.ts'
import {
  type Bridges,
  clientIdRule,
  type UserAccess,
  type ListenerConf,
  MosquittoUsers,
  type MosquittoConf,
  NO_USERS,
  PasswordChecks,
  startBridges,
  type SysPublisher,
} from '../../mosquitto-compat/index.ts'
import { checkListeners, listen } from '../listen.ts'
import { pushOptionsOf } from '../serve.ts'
import type { Config } from '../settings.ts'
import { openTracing } from '../open-tracing.ts'
import type { ExportedTracing } from '../tracing.ts'
import { publishSys } from '../sys.ts'
import type { Ports } from '../workers.ts'
import { type AccessOptions, readAccess } from './access.ts'
import { ClientLimit } from './client-limit.ts'
import { connectionLines, refusalLines } from './connection-lines.ts'
import { Listener, type ListenerParts, settled } from './listener.ts'
import type { MosquittoLog } from './log.ts'
import { tlsSettingsOf } from './tls.ts'

/** The most that a limit takes: Mosquitto has none. */
const MOST_STORED = 10_000_000
/** Of one session, bytes, where the file says none. */
const MOST_STORED_BYTES = 1024 ** 3

interface ServeOptions {
  readonly conf: MosquittoConf
  readonly config: Config
  readonly log: MosquittoLog
  /** Hears of the metrics before anybody is served. */
  opened(metrics: Metrics): void
}

/** A listener and its users, who stay the same when the file is read again. */
interface Entry {
  readonly users: MosquittoUsers
  readonly listener: Listener
}

export class MosquittoServing {
  readonly push: Push
  readonly ports: Ports
  readonly #log: MosquittoLog
  readonly #limit: ClientLimit
  readonly #rules: GeneralRules
  readonly #accessOptions: AccessOptions
  readonly #entries: readonly Entry[]
  readonly #bridges: Bridges
  readonly #sys: SysPublisher
  readonly #tracing: ExportedTracing | undefined
  readonly #closing: readonly { close(): Promise<void> }[]

  constructor(
    parts: Pick<MosquittoServing, 'push' | 'ports'> & {
      readonly log: MosquittoLog
      readonly limit: ClientLimit
      readonly rules: GeneralRules
      readonly accessOptions: AccessOptions
      readonly entries: readonly Entry[]
      readonly bridges: Bridges
      readonly sys: SysPublisher
      readonly tracing: ExportedTracing | undefined
      readonly closing: readonly { close(): Promise<void> }[]
    },
  ) {
    this.push = parts.push
    this.ports = parts.ports
    this.#log = parts.log
    this.#limit = parts.limit
    this.#rules = parts.rules
    this.#accessOptions = parts.accessOptions
    this.#entries = parts.entries
    this.#bridges = parts.bridges
    this.#sys = parts.sys
    this.#tracing = parts.tracing
    this.#closing = parts.closing
  }

  /** Takes what the file says now, all of it or nothing. @throws ConfError, ConfErrors */
  set(conf: MosquittoConf): void {
    const access = readAccess(conf.listeners, this.#accessOptions)
    const named = new Map(conf.listeners.map((listener) => [listener.name, listener]))
    if (named.size !== this.#entries.length || this.#entries.some(({ listener }) => !named.has(listener.name)))
      this.#log.write('error', 'Error: Listeners cannot be added or removed without a restart; the rest is taken.')
    Object.assign(this.#rules, conf.rules)
    this.#sys.set(conf.sysInterval).catch(() => undefined)
    this.#limit.most = conf.maxClients
    for (const { listener, users } of this.#entries) {
      const now = named.get(listener.name)
      const allowed = access.get(listener.name)
      if (now === undefined || allowed === undefined) continue
      listener.set(now, rulesOf(now, conf, users, { limit: this.#limit, log: this.#log }))
      users.set(allowed)
    }
    this.#bridges.reload(conf.bridges)
  }

  /** Takes nothing new, answers what is under way, and closes everything. */
  async close(): Promise<void> {
    this.#sys.close()
    // Both brokers hear of it.
    await this.#bridges.close()
    await Promise.all(this.#closing.map((each) => each.close()))
    await this.push.close()
    await this.#tracing?.close()
  }
}

/** Resolves when every listener is ready. @throws ConfError, ConfigError, ListenError, PushError */
export async function serveMosquitto({ conf, config, log, opened }: ServeOptions): Promise<MosquittoServing> {
  const accessOptions = {
    strict: config.PUSH_ACL_SUBSCRIBE === 'strict',
    warn: (message: string) => log.write('warning', `Warning: ${message}.`),
  }
  const access = readAccess(conf.listeners, accessOptions)
  // Before anything is opened.
  for (const { tls } of conf.listeners) if (tls !== undefined) loadTlsFiles(tlsSettingsOf(tls))
  const { PUSH_RESERVED_APPS: reservedApps } = config
  const rules: GeneralRules = { ...conf.rules, ...(reservedApps === undefined ? {} : { reservedApps }) }
  const hasHttp = config.PUSH_HTTP_PORT !== 'off' || config.PUSH_HTTPS_PORT !== 'off'
  if (hasHttp) checkListeners(config)
  const options = pushOptionsOf(config, log.logger)
  const tracing = await openTracing(config)
  const push = await createPush({
    ...options,
    ...(tracing === undefined ? {} : { tracing }),
    limits: { ...options.limits, ...limitsFor(conf, options.limits) },
    users: NO_USERS,
    generalRules: rules,
    ...(conf.persistence || config.PUSH_REDIS_URL !== undefined ? {} : { generalStore: 'memory' }),
  })
  const closing: { close(): Promise<void> }[] = []
  try {
    opened(push.metrics)
    const checks = new PasswordChecks({ failures: config.PUSH_MAX_FAILED_LOGINS, now: () => performance.now() })
    const limit = new ClientLimit(conf.maxClients, () => performance.now())
    const { connections, connectTimeoutMs } = { ...DEFAULT_LIMITS, ...options.limits }
    const all = { open: 0, most: connections }
    const entries = await openAll(conf, access, { push, log, all, connectTimeoutMs, checks, limit, closing })
    const http = hasHttp ? await listen(push, config, wantedOf(config), log.logger) : undefined
    if (http !== undefined) closing.push(http)
    const bridges = startBridges({ push, bridges: conf.bridges, logger: log.logger })
    const sys = publishSys(push, conf.sysInterval, log.logger)
    const ports = http?.ports ?? {}
    const served = { push, ports, log, limit, rules, accessOptions, entries, bridges, sys, tracing, closing }
    return new MosquittoServing(served)
  } catch (error) {
    await Promise.all(closing.map((each) => each.close()))
    // What is told is why it did not start.
    await push
      .close()
      .catch((failure: unknown) => log.logger.warn({ err: failure }, 'could not close after a failed start'))
    throw error
  }
}

/** Of what waits for a session there is no limit in Mosquitto but the one that the file says. */
function limitsFor({ rules }: MosquittoConf, limits: Partial<PushLimits> = {}): Partial<PushLimits> {
  const { queuedMessages, queuedBytes } = rules
  return {
    storedMessages: queuedMessages === 0 ? MOST_STORED : Math.max(limits.storedMessages ?? 0, queuedMessages),
    storedBytes: queuedBytes === 0 ? MOST_STORED_BYTES : Math.max(limits.storedBytes ?? 0, queuedBytes),
  }
}

interface Opening extends ListenerParts {
  readonly checks: PasswordChecks
  readonly limit: ClientLimit
  readonly closing: { close(): Promise<void> }[]
}

async function openAll(
  conf: MosquittoConf,
  access: ReadonlyMap<string, UserAccess>,
  { checks, limit, closing, ...parts }: Opening,
): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const each of conf.listeners) {
    const allowed = access.get(each.name)
    if (allowed === undefined) continue
    const users = new MosquittoUsers({ id: each.name, checks, sessionsByClientId: true }, allowed)
    const listener = new Listener(each, rulesOf(each, conf, users, { limit, log: parts.log }), parts)
    closing.push(listener)
    entries.push({ users, listener })
  }
  await Promise.all(entries.map(({ listener }) => listener.prepare()))
  // Who can connect to one of them can connect to all.
  await settled(entries.map(({ listener }) => listener.open()))
  for (const { listener } of entries) parts.log.write('information', `Opened a listener at ${listener.name}.`)
  return entries
}

interface Watching {
  readonly limit: ClientLimit
  readonly log: MosquittoLog
}

function rulesOf(
  listener: ListenerConf,
  { clientIdPrefix }: MosquittoConf,
  users: MosquittoUsers,
  { limit, log }: Watching,
): ListenerRules {
  const { mountPoint, protocolLevels, maximumQos, topicAliasMaximum, outgoingTopicAliases } = listener
  const rule = clientIdRule(listener, clientIdPrefix, randomUUID)
  const lines = connectionLines(log)
  return {
    users,
    maximumQos,
    topicAliasMaximum,
    outgoingTopicAliases,
    // Mosquitto tells none, and its users' clients and tests compare what it answers.
    reasonStrings: false,
    ...(mountPoint === undefined ? {} : { mountPoint }),
    ...(protocolLevels === undefined ? {} : { protocolLevels }),
    clientId(asked) {
      const given = rule(asked)
      limit.check(given.clientId)
      return given
    },
    refused: refusalLines(log),
    connected(user) {
      const [said, counted] = [lines(user), limit.connected(user)]
      return (end) => {
        said(end)
        counted()
      }
    },
  }
}

function wantedOf({ PUSH_HTTP_PORT: http, PUSH_HTTPS_PORT: https }: Config): Ports {
  return { ...(http === 'off' ? {} : { http }), ...(https === 'off' ? {} : { https }) }
}
