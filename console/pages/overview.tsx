/** How the server does, now and over the last minutes. */
import { useMemo } from 'preact/hooks'
import type { Overview as Numbers, Total } from '../api/types.ts'
import { Card, Failure, Notice } from '../parts/basics.tsx'
import { Chart, format } from '../parts/chart.tsx'
import { Fact, Facts } from '../parts/facts.tsx'
import { Plain } from '../parts/plain.tsx'
import { useSigned } from '../state/context.ts'
import type { Point } from '../state/feed.ts'

export function Overview() {
  const { latest, points, error } = useSigned().feed
  if (latest === undefined) return error === undefined ? <p class="muted">Loading…</p> : <Failure error={error} />
  return (
    <>
      <Failure error={error} />
      <Warnings of={latest} />
      <Tiles latest={latest} point={points.at(-1)} />
      <Charts points={points} />
      <div class="columns">
        <Totals of={latest} />
        <ServerFacts of={latest} />
      </div>
    </>
  )
}

function Warnings({ of: { store } }: { readonly of: Numbers }) {
  if (store.ready && store.warnings.length === 0) return null
  return (
    <Notice kind="warn">
      <strong>{store.ready ? 'The store is ready, with warnings' : 'The store is not ready'}</strong>
      <ul>
        {store.warnings.map((warning) => (
          <li key={warning}>
            <Plain wraps>{warning}</Plain>
          </li>
        ))}
      </ul>
    </Notice>
  )
}

function Tiles({ latest, point }: { readonly latest: Numbers; readonly point: Point | undefined }) {
  const { connections, nodes, store } = latest
  const open = connections.device + connections.provider + connections.user
  return (
    <dl class="tiles">
      <Tile label="Connections" value={format(open)} more={`${format(connections.device)} devices`} />
      <Tile label="Accepted" value={format(point?.rates?.accepted)} unit="/s" more="from publishers" />
      <Tile label="Delivered" value={format(point?.rates?.delivered)} unit="/s" more="to devices" />
      <Tile
        label="Delivery time"
        value={format(point?.median)}
        unit="ms"
        more={point?.slowest == null ? 'nothing just now' : `99% within ${format(point.slowest)} ms`}
      />
      <Tile label="Nodes" value={nodes === 0 ? '–' : format(nodes)} more={`${store.engine} store`} />
      <Tile label="Store" value={store.ready ? 'Ready' : 'Not ready'} more={warningsOf(store.warnings.length)} />
    </dl>
  )
}

function warningsOf(count: number): string {
  return count === 0 ? 'no warnings' : count === 1 ? '1 warning' : `${count} warnings`
}

interface TileProps {
  readonly label: string
  readonly value: string
  readonly unit?: string
  readonly more: string
}

function Tile({ label, value, unit, more }: TileProps) {
  return (
    <div class="tile">
      <dt>{label}</dt>
      <dd class="tile-value">
        {value}
        {unit !== undefined && <span class="unit"> {unit}</span>}
      </dd>
      <dd class="tile-more">{more}</dd>
    </div>
  )
}

type Line = readonly [label: string, color: string, valueOf: (point: Point) => number | null]

const rateOf =
  (name: Total) =>
  ({ rates }: Point) =>
    rates?.[name] ?? null

const CHARTS: readonly { readonly title: string; readonly unit: string; readonly lines: readonly Line[] }[] = [
  {
    title: 'Messages a second',
    unit: '',
    lines: [
      ['accepted', 'chart-1', rateOf('accepted')],
      ['delivered', 'chart-2', rateOf('delivered')],
      ['acknowledged', 'chart-3', rateOf('acknowledged')],
    ],
  },
  {
    title: 'Delivery time, ms',
    unit: 'milliseconds',
    lines: [
      ['median', 'chart-1', ({ median }) => median],
      ['99%', 'chart-4', ({ slowest }) => slowest],
    ],
  },
  {
    title: 'Connections',
    unit: '',
    lines: [
      ['devices', 'chart-1', ({ devices }) => devices],
      ['providers', 'chart-2', ({ providers }) => providers],
      ['users', 'chart-3', ({ users }) => users],
    ],
  },
  {
    title: 'Lost or refused a second',
    unit: '',
    lines: [
      ['expired', 'chart-3', rateOf('expired')],
      ['dropped', 'chart-4', rateOf('dropped')],
      ['rejected', 'chart-5', rateOf('rejected')],
    ],
  },
]

function Charts({ points }: { readonly points: readonly Point[] }) {
  const times = useMemo(() => points.map(({ at }) => at), [points])
  const charts = useMemo(
    () =>
      CHARTS.map(({ lines, ...chart }) => ({
        ...chart,
        series: lines.map(([label, color, valueOf]) => ({ label, color, values: points.map(valueOf) })),
      })),
    [points],
  )
  return (
    <section class="charts" aria-label="The last ten minutes">
      {charts.map((chart) => (
        <div class="card" key={chart.title}>
          <Chart times={times} {...chart} />
        </div>
      ))}
    </section>
  )
}

const TOTALS: readonly (readonly [Total, string])[] = [
  ['accepted', 'Accepted'],
  ['duplicates', 'Repeated ids'],
  ['delivered', 'Delivered'],
  ['redelivered', 'Delivered again'],
  ['acknowledged', 'Acknowledged'],
  ['upstream', 'From devices'],
  ['expired', 'Expired'],
  ['dropped', 'Dropped'],
  ['rejected', 'Rejected'],
]

function Totals({ of: { totals } }: { readonly of: Numbers }) {
  return (
    <Card title="Messages since the start">
      <Facts>
        {TOTALS.map(([name, label]) => (
          <Fact label={label} key={name}>
            {format(totals[name])}
          </Fact>
        ))}
      </Facts>
    </Card>
  )
}

function ServerFacts({ of: { server, version, store, totals, pendingWakes } }: { readonly of: Numbers }) {
  return (
    <Card title="Server">
      <Facts>
        <Fact label="This server">
          <Plain>{server}</Plain>
        </Fact>
        <Fact label="Version">
          <Plain>{version}</Plain>
        </Fact>
        <Fact label="Store">{store.engine}</Fact>
        <Fact label="Devices waiting for the store">{format(pendingWakes)}</Fact>
        <Fact label="Connects refused">{format(totals.refusedConnects)}</Fact>
        <Fact label="Connections closed by the server">{format(totals.disconnects)}</Fact>
      </Facts>
    </Card>
  )
}
