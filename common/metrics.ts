/**
 * The counters every part increments, and nothing else: a part takes a `Metrics`, and only the bridge renders it.
 * No metric has a label by token, device or account.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { inTime } from './in-time.ts'
import { packageVersion } from './package-version.ts'
import { Counter, Gauge, Histogram, Registry, type GaugeConfiguration } from 'prom-client'

const DESTINATIONS = ['private', 'broadcast', 'upstream', 'event', 'session'] as const
export type LogKind = (typeof DESTINATIONS)[number]

/** A counter by destination that is counted for every message: prom-client hashes the labels of each call. */
interface LogCounter {
  readonly counts: Readonly<Record<LogKind, number>>
  inc(labels: { readonly destination: LogKind }, by?: number): void
}

/** Adds up in two numbers, which become a metric when somebody looks. */
function destinationCounter(registry: Registry, name: string, help: string): LogCounter {
  const counts: Record<LogKind, number> = { private: 0, broadcast: 0, upstream: 0, event: 0, session: 0 }
  new Counter({
    name,
    help,
    labelNames: ['destination'],
    registers: [registry],
    collect() {
      this.reset()
      for (const destination of DESTINATIONS)
        if (counts[destination] > 0) this.inc({ destination }, counts[destination])
    },
  })
  return {
    counts,
    inc({ destination }, by = 1) {
      counts[destination] += by
    },
  }
}

/** Ends that no other metric counts. */
const OTHER_ENDS = ['sent', 'replaced', 'recalled', 'purged'] as const
export type OtherEnd = (typeof OTHER_ENDS)[number]

interface EndCounter {
  inc(labels: { readonly destination: LogKind; readonly state: OtherEnd }, by?: number): void
}

/** All ends of messages in one metric, those that have a counter of their own as well. */
function endCounter(
  registry: Registry,
  others: Record<'acknowledged' | 'expired' | 'dropped', LogCounter>,
): EndCounter {
  const none = () => ({ private: 0, broadcast: 0, upstream: 0, event: 0, session: 0 })
  const counts: Record<OtherEnd, Record<LogKind, number>> = {
    sent: none(),
    replaced: none(),
    recalled: none(),
    purged: none(),
  }
  new Counter({
    name: 'push_message_ended_total',
    help: 'What became of messages; a broadcast is acknowledged, or sent with QoS 0, once by each device',
    labelNames: ['destination', 'state'],
    registers: [registry],
    collect() {
      this.reset()
      const { acknowledged, expired, dropped } = others
      const states = { acknowledged: acknowledged.counts, expired: expired.counts, dropped: dropped.counts, ...counts }
      for (const [state, ofState] of Object.entries(states))
        for (const destination of DESTINATIONS)
          if (ofState[destination] > 0) this.inc({ destination, state }, ofState[destination])
    },
  })
  return {
    inc({ destination, state }, by = 1) {
      counts[state][destination] += by
    },
  }
}

/** The event loop is looked at every so often, ms: what comes later than that is delay. */
const LOOK_EVERY_MS = 20

/** Starts with each look at it, so that a peak shows once. */
function measureEventLoopDelay(registry: Registry): void {
  const delays = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS })
  delays.enable()
  new Gauge({
    name: 'push_event_loop_delay_seconds',
    help: 'How late the event loop was since the last scrape; percentile 100 is the longest delay',
    // Not `quantile`, which Prometheus keeps for summaries.
    labelNames: ['percentile'],
    registers: [registry],
    // Of several processes: the one that is worst.
    aggregator: 'max',
    collect() {
      for (const percentile of [50, 99, 100])
        this.set({ percentile }, Math.max(0, delays.percentile(percentile) / 1e9 - LOOK_EVERY_MS / 1000))
      delays.reset()
    },
  })
}

/** What runs, for whoever compares nodes. */
function tellBuild(registry: Registry): void {
  new Gauge({
    name: 'push_build_info',
    help: '1, with the version of the server and of Node as labels',
    labelNames: ['version', 'node'],
    registers: [registry],
    // Of several processes: all run the same.
    aggregator: 'first',
  }).set({ version: packageVersion(), node: process.versions.node }, 1)
}

/** Nobody who scrapes waits longer for it, ms. */
const PENDING_ANSWER_MS = 800
/** Who scrapes more often gets the same number again, or none again, ms. */
const PENDING_KEPT_MS = 5_000

/** `read` is asked when somebody looks; while it does not answer, there is no number. */
export function measurePending(registry: Registry, read: () => Promise<number>, monotonic: () => number): void {
  let readAt = Number.NEGATIVE_INFINITY
  new Gauge({
    name: 'push_pending_messages',
    help: 'Messages in the private logs of the store, of all nodes together',
    registers: [registry],
    // Of several processes: all ask the same store.
    aggregator: 'max',
    async collect() {
      if (monotonic() - readAt < PENDING_KEPT_MS) return
      // Where it fails as well: a store that hangs is not asked again by everybody who looks.
      readAt = monotonic()
      try {
        this.set(await inTime(read(), PENDING_ANSWER_MS, () => new Error('the store did not answer in time')))
      } catch {
        this.remove()
      }
    },
  })
}

/** A gauge that is not there before it is set: 0 would be a value. */
function gaugeOnceSet(registry: Registry, configuration: GaugeConfiguration<never>) {
  const gauge = new Gauge({ ...configuration, registers: [] })
  return {
    set(value: number) {
      registry.registerMetric(gauge)
      gauge.set(value)
    },
  }
}

export function createMetrics() {
  const registry = new Registry()
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name, help, labelNames, registers: [registry] })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] })

  measureEventLoopDelay(registry)
  tellBuild(registry)
  const perDestination = (name: string, help: string) => destinationCounter(registry, name, help)
  const acknowledged = perDestination('push_acknowledged_total', 'Messages acknowledged by devices')
  const expired = perDestination('push_expired_total', 'Messages that reached their time to live unacknowledged')
  const dropped = perDestination(
    'push_dropped_total',
    'Messages lost to a full log: its oldest, of the session of a user the newest',
  )

  return {
    registry,
    acknowledged,
    expired,
    dropped,
    ended: endCounter(registry, { acknowledged, expired, dropped }),
    connections: gauge('push_connections', 'Open MQTT connections', ['principal']),
    accepted: perDestination('push_accepted_total', 'Messages accepted: stored, or sent for now or never'),
    duplicates: perDestination('push_duplicates_total', 'Messages whose id was already accepted'),
    rejected: counter('push_rejected_total', 'Messages refused, by error code', ['code']),
    delivered: perDestination(
      'push_delivered_total',
      'Messages given to devices, by PUBLISH packet or lookup, redeliveries included',
    ),
    redelivered: perDestination('push_redelivered_total', 'PUBLISH packets written with DUP'),
    skipped: counter('push_skipped_total', 'Messages above the Maximum Packet Size of a client', ['destination']),
    queueDropped: counter('push_queue_dropped_total', 'QoS 0 messages dropped for a client that reads slowly'),
    upstream: counter('push_upstream_total', 'Messages from devices to providers'),
    pendingWakes: gauge('push_pending_wakes', 'Devices that wait for their drain to run'),
    disconnects: counter('push_disconnects_total', 'Connections closed by the server, by error code', ['code']),
    logLost: counter('push_log_lines_lost_total', 'Lines of log that standard error did not take in time'),
    certificateEnd: gaugeOnceSet(registry, {
      name: 'push_tls_certificate_end_seconds',
      help: 'When the certificate of the TLS listeners ends, seconds since the epoch',
      // Of several processes: all have the same.
      aggregator: 'min',
    }),
    certificateReloads: counter('push_tls_reloads_total', 'Changes of the TLS files, taken or refused', ['outcome']),
    refusedSubscriptions: counter(
      'push_refused_subscriptions_total',
      'Subscriptions of devices and providers refused, by error code',
      ['code'],
    ),
    unexpectedErrors: counter(
      'push_unexpected_errors_total',
      'Errors that nobody handled, which the server outlived: of a rejected promise, an exception, or in a guarded callback',
      ['kind'],
    ),
    refusedConnects: counter('push_refused_connects_total', 'CONNECT packets refused, by error code', ['code']),
    webhookCalls: counter('push_webhook_calls_total', 'Batches sent to receivers of webhooks, by outcome', ['outcome']),
    webhookCallsUnderWay: gauge('push_webhook_calls_under_way', 'Calls to receivers of webhooks that are under way'),
    webhooksDisabled: counter('push_webhooks_disabled_total', 'Webhooks disabled by the server, by reason', [
      'because',
    ]),
    httpRequests: counter('push_http_requests_total', 'Requests answered, by route', ['method', 'route', 'status']),
    httpDuration: new Histogram({
      name: 'push_http_request_duration_seconds',
      help: 'From the head of a request to the end of its answer, without streams and lookups that may wait',
      labelNames: ['method', 'route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    }),
    httpWaiting: gauge('push_http_waiting', 'Lookups that wait and streams that are open'),
    lookups: counter('push_lookups_total', 'Lookups of devices over HTTP, by outcome: found or empty', ['outcome']),
    drainLatency: new Histogram({
      name: 'push_drain_latency_seconds',
      help: 'From stored to written to the device, live deliveries only',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
