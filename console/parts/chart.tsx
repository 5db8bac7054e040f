/** A chart of the last minutes. What it shows last stands beside it as text, for whoever does not see it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import { useIsDark } from '../state/theme.ts'

export interface Series {
  readonly label: string
  /** Color of the style sheet: `--chart-1`. */
  readonly color: string
  readonly values: readonly (number | null)[]
}

interface ChartProps {
  readonly title: string
  /** As it is read out, behind each number. */
  readonly unit: string
  readonly times: readonly number[]
  readonly series: readonly Series[]
}

const HEIGHT = 150
/** Shown at least, so that the first points do not fill it, s. */
const SPAN = 120

export function Chart({ title, unit, times, series }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const isDark = useIsDark()
  const [pointed, setPointed] = useState<number>()
  const names = series.map(({ label, color }) => `${label} ${color}`).join()

  useEffect(() => {
    const frame = place.current
    if (frame === null) return
    const made = new uPlot(optionsOf(series, frame, setPointed), dataOf(times, series), frame)
    plot.current = made
    const resized = new ResizeObserver(() => made.setSize({ width: frame.clientWidth, height: HEIGHT }))
    resized.observe(frame)
    return () => {
      resized.disconnect()
      made.destroy()
    }
    // The colors are those of the theme: it is made again for another one.
  }, [isDark, names])

  useEffect(() => plot.current?.setData(dataOf(times, series)), [times, series])

  const shown = pointed ?? times.length - 1
  const told = series.map(({ label, values }) => `${label} ${format(values[shown])} ${unit}`)
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <ul class="legend">
          {series.map(({ label, color, values }) => (
            <li key={label}>
              <span class={`swatch ${color}`} aria-hidden="true" />
              {label} <b>{format(values[shown])}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${title}, now: ${told.join(', ')}`} />
    </figure>
  )
}

export function format(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}

function dataOf(times: readonly number[], series: readonly Series[]): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])]
}

function optionsOf(
  series: readonly Series[],
  frame: HTMLElement,
  pointed: (index: number | undefined) => void,
): uPlot.Options {
  // As the theme has it: a canvas knows no variables of a style sheet.
  const colorOf = (name: string) => {
    frame.style.color = `var(--${name})`
    return getComputedStyle(frame).color
  }
  const axis = {
    stroke: colorOf('chart-text'),
    grid: { stroke: colorOf('chart-grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
  return {
    width: frame.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { range: (_plot, low, high) => [Math.min(low, high - SPAN), high] },
      y: { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.15)] },
    },
    axes: [
      { ...axis, size: 24, space: 80, values: (_plot, each) => each.map((at) => clockOf(at)) },
      { ...axis, size: 44, space: 32, values: (_plot, each) => each.map((value) => format(value)) },
    ],
    series: [
      {},
      ...series.map(({ label, color }) => ({
        label,
        stroke: colorOf(color),
        width: 1.75,
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: { setCursor: [({ cursor }) => pointed(cursor.idx ?? undefined)] },
  }
}

function clockOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB')
}
