/**
 * The metrics that every part updates. A part receives a `Metrics`, and only the bridge renders them.
 * No metric has a label for a token, device or account.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { inTime } from './in-time.ts'
import { packageVersion } from './package-version.ts'
import { PlainHistogram, type Series } from './plain-histogram.ts'
import { Counter, Gauge, Registry, type GaugeConfiguration } from 'prom-client'

const DESTINATIONS = ['private', 'broadcast', 'upstream', 'event', 'session'] as const
export type LogKind = (typeof DESTINATIONS)[number]

/** A counter by destination, cheap enough for every message: prom-client would hash the labels on each call. */
interface LogCounter {
  readonly counts: Readonly<Record<LogKind, number>>
  inc(labels: { readonly destination: LogKind }, by?: number): void
}

/** Counts in plain numbers, which become a metric at each scrape. */
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

interface RequestCounter {
  inc(method: string, route: string, status: number): void
}

/** The same for HTTP requests. */
function requestCounter(registry: Registry): RequestCounter {
  const counts = new Map<string, Map<string, Map<number, number>>>()
  new Counter({
    name: 'push_http_requests_total',
    help: 'HTTP requests, by method, route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [route, ofRoute] of counts)
        for (const [method, ofMethod] of ofRoute)
          for (const [status, count] of ofMethod) this.inc({ method, route, status }, count)
    },
  })
  return {
    inc(method, route, status) {
      const ofMethod = within(within(counts, route), method)
      ofMethod.set(status, (ofMethod.get(status) ?? 0) + 1)
    },
  }
}

interface RequestDurations {
  observe(method: string, route: string, seconds: number): void
}

function requestDurations(registry: Registry): RequestDurations {
  const byRoute = new Map<string, Map<string, Series<'method' | 'route'>>>()
  const durations = new PlainHistogram({
    name: 'push_http_request_duration_seconds',
    help: 'Duration of HTTP requests, from the end of the request headers to the end of the response, without streams and long polls',
    labelNames: ['method', 'route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  })
  return {
    observe(method, route, seconds) {
      const ofRoute = within(byRoute, route)
      let series = ofRoute.get(method)
      if (series === undefined) {
        series = durations.of({ method, route })
        ofRoute.set(method, series)
      }
      series.observe(seconds)
    },
  }
}

function within<K, L, V>(maps: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let map = maps.get(key)
  if (map === undefined) {
    map = new Map()
    maps.set(key, map)
  }
  return map
}

/** Ends that no other metric counts. */
const OTHER_ENDS = ['sent', 'replaced', 'recalled', 'purged'] as const
export type OtherEnd = (typeof OTHER_ENDS)[number]

interface EndCounter {
  inc(labels: { readonly destination: LogKind; readonly state: OtherEnd }, by?: number): void
}

/** One metric for all ends of messages, including those that have their own counter. */
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
    help: 'Ended messages, by destination and state; a broadcast counts once for each device that acknowledged it or received it with QoS 0',
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

/** Sampling interval of the event loop, ms; anything above it is delay. */
const LOOK_EVERY_MS = 20

/** Resets at each scrape, so that a peak shows once. */
function measureEventLoopDelay(registry: Registry): void {
  const delays = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS })
  delays.enable()
  new Gauge({
    name: 'push_event_loop_delay_seconds',
    help: 'Event-loop delay since the last scrape; percentile 100 is the maximum',
    // Not `quantile`, which Prometheus reserves for summaries.
    labelNames: ['percentile'],
    registers: [registry],
    // Of several processes: the worst one.
    aggregator: 'max',
    collect() {
      for (const percentile of [50, 99, 100])
        this.set({ percentile }, Math.max(0, delays.percentile(percentile) / 1e9 - LOOK_EVERY_MS / 1000))
      delays.reset()
    },
  })
}

/** The versions in use, for comparing nodes. */
function tellBuild(registry: Registry): void {
  new Gauge({
    name: 'push_build_info',
    help: '1, with the versions of the server and of Node.js as labels',
    labelNames: ['version', 'node'],
    registers: [registry],
    // Of several processes: all run the same.
    aggregator: 'first',
  }).set({ version: packageVersion(), node: process.versions.node }, 1)
}

/** A scrape waits at most this long for the number, ms. */
const PENDING_ANSWER_MS = 800
/** Within this time, scrapes get the same number, or again none, ms. */
const PENDING_KEPT_MS = 5_000

/** Calls `read` at a scrape; the metric is absent while `read` does not answer. */
export function measurePending(registry: Registry, read: () => Promise<number>, monotonic: () => number): void {
  let readAt = Number.NEGATIVE_INFINITY
  new Gauge({
    name: 'push_pending_messages',
    help: 'Messages in all private logs of the store, the same number on every node',
    registers: [registry],
    // Of several processes: all ask the same store.
    aggregator: 'max',
    async collect() {
      if (monotonic() - readAt < PENDING_KEPT_MS) return
      // Also if the read fails, so that scrapes do not pile up on a hanging store.
      readAt = monotonic()
      try {
        this.set(await inTime(read(), PENDING_ANSWER_MS, () => new Error('the store did not answer in time')))
      } catch {
        this.remove()
      }
    },
  })
}

/** A gauge that is absent until it is set, because 0 would be a value. */
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
    'Messages lost to a full log: its oldest, or the newest for the session of a user',
  )

  return {
    registry,
    acknowledged,
    expired,
    dropped,
    ended: endCounter(registry, { acknowledged, expired, dropped }),
    connections: gauge('push_connections', 'Open MQTT connections', ['principal']),
    accepted: perDestination('push_accepted_total', 'Messages accepted: stored, or delivered with ttl 0'),
    duplicates: perDestination('push_duplicates_total', 'Messages whose id was already accepted'),
    rejected: counter('push_rejected_total', 'Messages refused, by error code', ['code']),
    delivered: perDestination(
      'push_delivered_total',
      'Messages delivered to devices, by PUBLISH packet or lookup, including redeliveries',
    ),
    redelivered: perDestination('push_redelivered_total', 'PUBLISH packets written with DUP'),
    skipped: counter('push_skipped_total', 'Messages above the Maximum Packet Size of a client', ['destination']),
    queueDropped: counter('push_queue_dropped_total', 'QoS 0 messages dropped for slow consumers'),
    upstream: counter('push_upstream_total', 'Messages from devices to providers'),
    pendingWakes: gauge('push_pending_wakes', 'Devices whose drain is waiting for the store'),
    disconnects: counter('push_disconnects_total', 'Connections closed by the server, by error code', ['code']),
    logLost: counter('push_log_lines_lost_total', 'Log lines lost because standard error was blocked'),
    certificateEnd: gaugeOnceSet(registry, {
      name: 'push_tls_certificate_end_seconds',
      help: 'When the certificate of the TLS listeners expires, seconds since the epoch',
      // Of several processes: all have the same.
      aggregator: 'min',
    }),
    certificateReloads: counter('push_tls_reloads_total', 'Reloads of the TLS files, by outcome: taken or refused', [
      'outcome',
    ]),
    refusedSubscriptions: counter(
      'push_refused_subscriptions_total',
      'Refused subscriptions of devices and providers, by error code',
      ['code'],
    ),
    unexpectedErrors: counter(
      'push_unexpected_errors_total',
      'Unexpected errors that the server survived, by kind: rejection, exception or callback',
      ['kind'],
    ),
    refusedConnects: counter('push_refused_connects_total', 'CONNECT packets refused, by error code', ['code']),
    webhookCalls: counter('push_webhook_calls_total', 'Webhook calls, by outcome: delivered, failed or gone', [
      'outcome',
    ]),
    webhookCallsUnderWay: gauge('push_webhook_calls_under_way', 'Webhook calls in flight'),
    webhooksDisabled: counter('push_webhooks_disabled_total', 'Webhooks disabled by the server, by reason', [
      'because',
    ]),
    httpRequests: requestCounter(registry),
    httpDuration: requestDurations(registry),
    httpWaiting: gauge('push_http_waiting', 'Open long polls and streams'),
    lookups: counter('push_lookups_total', 'Lookups of devices over HTTP, by outcome: found or empty', ['outcome']),
    drainLatency: new PlainHistogram({
      name: 'push_drain_latency_seconds',
      help: 'Time from storing a message to writing it to the device, for live deliveries only',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    }).of({}),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
