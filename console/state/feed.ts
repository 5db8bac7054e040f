/** The numbers of the overview over the last minutes, asked for every two seconds while somebody looks. */
import { useEffect, useState } from 'preact/hooks'
import { ApiError, call } from '../api/client.ts'
import type { Overview, Total } from '../api/types.ts'

const EVERY_MS = 2_000
/** Ten minutes. */
const KEPT = 300
/** Latency is that of the last so many looks: one alone has few deliveries. */
const LATENCY_LOOKS = 5

export interface Point {
  /** Seconds since the epoch. */
  readonly at: number
  readonly devices: number
  readonly providers: number
  readonly users: number
  /** A second; null where it is not known. */
  readonly rates: Readonly<Record<Total, number>> | null
  /** Milliseconds; null where nothing was delivered. */
  readonly median: number | null
  readonly slowest: number | null
}

export interface Feed {
  readonly latest: Overview | undefined
  readonly points: readonly Point[]
  readonly error: Error | undefined
}

/** It goes on while other pages are open, so that the charts have no holes. */
export function useFeed(isOn: boolean): Feed {
  const [feed, setFeed] = useState<Feed>({ latest: undefined, points: [], error: undefined })
  useEffect(() => {
    if (!isOn) return
    const gone = new AbortController()
    const looks: Overview[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async () => {
      if (document.visibilityState === 'visible') {
        try {
          const overview = await call<Overview>('GET', 'overview', { signal: gone.signal })
          looks.push(overview)
          if (looks.length > LATENCY_LOOKS + 1) looks.shift()
          const point = pointOf(looks)
          setFeed(({ points }) => ({ latest: overview, points: [...points, point].slice(-KEPT), error: undefined }))
        } catch (error) {
          if (gone.signal.aborted) return
          setFeed((last) => ({ ...last, error: error instanceof ApiError ? error : new Error('It failed.') }))
        }
      }
      if (!gone.signal.aborted) timer = setTimeout(again, EVERY_MS)
    }
    const again = () => void look().catch(() => undefined)
    again()
    return () => {
      gone.abort()
      clearTimeout(timer)
    }
  }, [isOn])
  return feed
}

/** @param looks the last one is the newest; there is one */
export function pointOf(looks: readonly Overview[]): Point {
  const newest = looks.at(-1)
  if (newest === undefined) throw new Error('there is no look')
  const { at, connections } = newest
  const before = looks.at(-2)
  const [first = newest] = looks
  const slices = isAfter(first, newest)
    ? newest.latency.buckets.map(([bound, count], i) => {
        const [, earlier = 0] = first.latency.buckets[i] ?? []
        return [bound, count - earlier] as const
      })
    : []
  const count = newest.latency.count - first.latency.count
  return {
    at: Date.parse(at) / 1000,
    devices: connections.device,
    providers: connections.provider,
    users: connections.user,
    rates: before === undefined ? null : ratesOf(before, newest),
    median: quantileOf(slices, count, 0.5),
    slowest: quantileOf(slices, count, 0.99),
  }
}

/** Both are of one server, which did not start in between. */
function isAfter(before: Overview, after: Overview): boolean {
  if (before.server !== after.server || Date.parse(after.at) <= Date.parse(before.at)) return false
  return entriesOf(after.totals).every(([name, total]) => total >= before.totals[name])
}

function ratesOf(before: Overview, after: Overview): Point['rates'] {
  if (!isAfter(before, after)) return null
  const seconds = (Date.parse(after.at) - Date.parse(before.at)) / 1000
  const rates = { ...after.totals }
  for (const [name, total] of entriesOf(after.totals)) rates[name] = (total - before.totals[name]) / seconds
  return rates
}

function entriesOf(totals: Overview['totals']): [Total, number][] {
  return Object.entries(totals) as [Total, number][]
}

/** In milliseconds, as if those of a bucket were spread evenly over it. */
function quantileOf(buckets: readonly (readonly [number, number])[], count: number, quantile: number): number | null {
  if (count <= 0) return null
  const wanted = count * quantile
  let [low, below] = [0, 0]
  for (const [bound, upTo] of buckets) {
    if (upTo >= wanted) return (low + ((bound - low) * (wanted - below)) / Math.max(1, upTo - below)) * 1000
    ;[low, below] = [bound, upTo]
  }
  // Slower than the last bound: so slow at least.
  return low * 1000
}
