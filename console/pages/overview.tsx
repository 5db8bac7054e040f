/** How the server does, now and over the last minutes. */
import { useMemo } from 'preact/hooks'
import type { Overview as Numbers, Total } from '../api/types.ts'
import { Card, Failure, Notice } from '../parts/basics.tsx'
import { Chart, format } from '../parts/chart.tsx'
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

function Charts({ points }: { readonly points: readonly Point[] }) {
  const { times, charts } = useMemo(() => {
    const rate = (name: Total) => points.map(({ rates }) => rates?.[name] ?? null)
    const value = (name: 'devices' | 'providers' | 'users' | 'median' | 'slowest') => points.map((each) => each[name])
    return {
      times: points.map(({ at }) => at),
      charts: [
        {
          title: 'Messages a second',
          unit: '',
          series: [
            { label: 'accepted', color: 'chart-1', values: rate('accepted') },
            { label: 'delivered', color: 'chart-2', values: rate('delivered') },
            { label: 'acknowledged', color: 'chart-3', values: rate('acknowledged') },
          ],
        },
        {
          title: 'Delivery time, ms',
          unit: 'milliseconds',
          series: [
            { label: 'median', color: 'chart-1', values: value('median') },
            { label: '99%', color: 'chart-4', values: value('slowest') },
          ],
        },
        {
          title: 'Connections',
          unit: '',
          series: [
            { label: 'devices', color: 'chart-1', values: value('devices') },
            { label: 'providers', color: 'chart-2', values: value('providers') },
            { label: 'users', color: 'chart-3', values: value('users') },
          ],
        },
        {
          title: 'Lost or refused a second',
          unit: '',
          series: [
            { label: 'expired', color: 'chart-3', values: rate('expired') },
            { label: 'dropped', color: 'chart-4', values: rate('dropped') },
            { label: 'rejected', color: 'chart-5', values: rate('rejected') },
          ],
        },
      ],
    }
  }, [points])
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
      <dl class="facts">
        {TOTALS.map(([name, label]) => (
          <div key={name}>
            <dt>{label}</dt>
            <dd>{format(totals[name])}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}

function ServerFacts({ of: { server, version, store, totals, pendingWakes } }: { readonly of: Numbers }) {
  return (
    <Card title="Server">
      <dl class="facts">
        <div>
          <dt>This server</dt>
          <dd>
            <Plain>{server}</Plain>
          </dd>
        </div>
        <div>
          <dt>Version</dt>
          <dd>
            <Plain>{version}</Plain>
          </dd>
        </div>
        <div>
          <dt>Store</dt>
          <dd>{store.engine}</dd>
        </div>
        <div>
          <dt>Devices waiting for the store</dt>
          <dd>{format(pendingWakes)}</dd>
        </div>
        <div>
          <dt>Connects refused</dt>
          <dd>{format(totals.refusedConnects)}</dd>
        </div>
        <div>
          <dt>Connections closed by the server</dt>
          <dd>{format(totals.disconnects)}</dd>
        </div>
      </dl>
    </Card>
  )
}
