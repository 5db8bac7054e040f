/** docs/benchmarks.svg: the headline figures as bars, made from the results and nothing else. */
import { medianOf, type Results } from '../run/results.ts'
import { format } from './table.ts'

interface Panel {
  readonly title: string
  readonly work: string
  readonly figure: string
  readonly inCase?: string
}

/** All of them: less is better. */
const PANELS: readonly Panel[] = [
  {
    title: 'Private publish to delivery, 64 under way: us of CPU a message',
    work: 'private',
    figure: 'cpu',
    inCase: '64 under way, 100 devices',
  },
  {
    title: 'One broadcast at a time to 200 devices: us of CPU a delivery',
    work: 'broadcast',
    figure: 'cpu',
    inCase: '1 under way, 200 devices',
  },
  { title: 'Resume of a session, us of CPU', work: 'connect', figure: 'cpu', inCase: 'resume' },
  { title: 'Idle connection, KiB of server memory', work: 'idle', figure: 'server' },
]

const WIDTH = 760
const NAMES = 170
const VALUES = 80
const BAR = 16
const ROW = 22
const TITLE = 34
const GAP = 14
const OURS = '#0f766e'
const OTHERS = '#94a3b8'

interface Bar {
  readonly contender: string
  readonly value: number
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function barsOf(results: Results, { work, figure, inCase = '' }: Panel): Bar[] {
  const contenders = [...new Set(results.samples.map(({ contender }) => contender))]
  return contenders
    .flatMap((contender) => {
      const value = medianOf(results, { work, figure, case: inCase, contender })
      return value === undefined ? [] : [{ contender, value }]
    })
    .toSorted((a, b) => a.value - b.value)
}

function drawBar({ contender, value }: Bar, most: number, top: number): string {
  const width = Math.max(1, (Math.max(0, value) / most) * (WIDTH - NAMES - VALUES))
  const text = top + BAR - 4
  const colour = contender.startsWith('ours') ? OURS : OTHERS
  return [
    `<text x="${NAMES - 8}" y="${text}" text-anchor="end">${escape(contender)}</text>`,
    `<rect x="${NAMES}" y="${top}" width="${width.toFixed(1)}" height="${BAR}" rx="2" fill="${colour}"/>`,
    `<text x="${(NAMES + width + 6).toFixed(1)}" y="${text}">${format(value)}</text>`,
  ].join('')
}

export function chartOf(results: Results): string {
  const parts: string[] = []
  let top = GAP
  for (const panel of PANELS) {
    const bars = barsOf(results, panel)
    if (bars.length === 0) continue
    parts.push(`<text x="8" y="${top + 18}" font-weight="bold">${escape(panel.title)}</text>`)
    top += TITLE
    const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)
    for (const bar of bars) {
      parts.push(drawBar(bar, most, top))
      top += ROW
    }
    top += GAP
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" font-family="sans-serif" font-size="13" fill="#1e293b" role="img" aria-label="Figures of the benchmark; less is better">`
  return `${[head, `<rect width="${WIDTH}" height="${top}" fill="#ffffff"/>`, ...parts, '</svg>'].join('\n')}\n`
}
