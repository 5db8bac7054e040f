/** Key figures of the server: the call behind `GET /v1/overview`. */
import { hostname } from 'node:os'
import type { FastifyBaseLogger } from 'fastify'
import { Registry } from 'prom-client'
import type { Metrics } from '../../common/metrics.ts'
import { PushError } from '../../errors.ts'
import type { Store, StoreHealth } from '../../store/contract.ts'
import { labelOf, parseMetrics, sumOf, type Sample } from './parse-metrics.ts'

interface OverviewContext {
  readonly version: string
  readonly store: Pick<Store, 'nodes'>
  readonly metrics: Metrics
  /** Metrics text of all processes of this server; absent: there is one. */
  readonly metricsText?: (() => Promise<string>) | undefined
  readonly ready: () => Promise<StoreHealth>
  /** Where the server listens, once it does. */
  readonly port: () => number | undefined
  readonly now: () => number
}

/** Each total by the metric that counts it. */
const TOTALS = {
  accepted: 'push_accepted_total',
  duplicates: 'push_duplicates_total',
  rejected: 'push_rejected_total',
  delivered: 'push_delivered_total',
  redelivered: 'push_redelivered_total',
  acknowledged: 'push_acknowledged_total',
  expired: 'push_expired_total',
  dropped: 'push_dropped_total',
  upstream: 'push_upstream_total',
  refusedConnects: 'push_refused_connects_total',
  disconnects: 'push_disconnects_total',
} as const

const CONNECTIONS = 'push_connections'
const WAKES = 'push_pending_wakes'
const LATENCY = 'push_drain_latency_seconds'
const METRICS = [...Object.values(TOTALS), CONNECTIONS, WAKES, LATENCY]
const PRINCIPALS = ['device', 'provider', 'user'] as const

export interface Overview {
  readonly at: string
  readonly version: string
  readonly server: string
  readonly connections: Readonly<Record<(typeof PRINCIPALS)[number], number>>
  readonly totals: Readonly<Record<keyof typeof TOTALS, number>>
  /** Latency of deliveries, as a histogram since the server started: so many took at most so many seconds. */
  readonly latency: { readonly count: number; readonly buckets: readonly (readonly [seconds: number, count: number])[] }
  readonly pendingWakes: number
  readonly nodes: number
  readonly store: {
    readonly engine: 'embedded' | 'redis'
    readonly ready: boolean
    readonly warnings: readonly string[]
  }
}

export type ReadOverview = (log: Pick<FastifyBaseLogger, 'error'>) => Promise<Overview>

export function createOverview(context: OverviewContext): ReadOverview {
  const { store, version, now, port } = context
  const metricsText = context.metricsText ?? ownMetrics(context.metrics)
  return async (log) => {
    const [text, nodes, health] = await Promise.all([metricsText(), countNodes(store, log), healthOf(context.ready)])
    const metrics = parseMetrics(text)
    const connections = metrics.get(CONNECTIONS) ?? []
    const openOf = (principal: string) => sumOf(connections.filter((sample) => labelOf(sample) === principal))
    return {
      at: new Date(now()).toISOString(),
      version,
      server: `${hostname()}:${port() ?? 0}`,
      connections: { device: openOf('device'), provider: openOf('provider'), user: openOf('user') },
      totals: totalsOf(metrics),
      latency: {
        count: sumOf(metrics.get(`${LATENCY}_count`)),
        buckets: (metrics.get(`${LATENCY}_bucket`) ?? []).flatMap(bucketOf),
      },
      pendingWakes: sumOf(metrics.get(WAKES)),
      nodes,
      store: { engine: store.nodes === undefined ? 'embedded' : 'redis', ...health },
    }
  }
}

function totalsOf(metrics: ReadonlyMap<string, readonly Sample[]>): Overview['totals'] {
  const total = (name: keyof typeof TOTALS) => sumOf(metrics.get(TOTALS[name]))
  return {
    accepted: total('accepted'),
    duplicates: total('duplicates'),
    rejected: total('rejected'),
    delivered: total('delivered'),
    redelivered: total('redelivered'),
    acknowledged: total('acknowledged'),
    expired: total('expired'),
    dropped: total('dropped'),
    upstream: total('upstream'),
    refusedConnects: total('refusedConnects'),
    disconnects: total('disconnects'),
  }
}

/** Without the last one, which has all that were slower. */
function bucketOf(sample: Sample): (readonly [number, number])[] {
  const bound = Number(labelOf(sample))
  return Number.isFinite(bound) ? [[bound, sample.value]] : []
}

/** Only these: to read the others would end what they measure between two scrapes. */
function ownMetrics({ registry }: Metrics): () => Promise<string> {
  const few = new Registry()
  for (const name of METRICS) {
    const metric = registry.getSingleMetric(name)
    if (metric !== undefined) few.registerMetric(metric)
  }
  return () => few.metrics()
}

/** 0: nobody knows. */
async function countNodes({ nodes }: Pick<Store, 'nodes'>, log: Pick<FastifyBaseLogger, 'error'>): Promise<number> {
  if (nodes === undefined) return 1
  try {
    return await nodes.count()
  } catch (error) {
    if (!(error instanceof PushError)) log.error({ err: error }, 'could not count the nodes')
    return 0
  }
}

async function healthOf(ready: () => Promise<StoreHealth>): Promise<{ ready: boolean; warnings: string[] }> {
  try {
    const { warnings } = await ready()
    return { ready: true, warnings: [...warnings] }
  } catch (error) {
    if (error instanceof PushError) return { ready: false, warnings: [error.message] }
    throw error
  }
}
