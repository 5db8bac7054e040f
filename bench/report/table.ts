/** The figures of a work as rows of text, for the terminal and for Markdown alike. */
import { BASELINE } from '../contenders/index.ts'
import { medianOf, type Results } from '../run/results.ts'
import type { Figure, Work } from '../works/index.ts'

interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export function format(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return Number(value.toFixed(digits)).toLocaleString('en-US', { maximumFractionDigits: digits })
}

export function tableOf(results: Results, work: Work): Table {
  const samples = results.samples.filter((sample) => sample.work === work.name)
  const cases = [...new Set(samples.map((sample) => sample.case))]
  const contenders = [...new Set(samples.map(({ contender }) => contender))]
  const withCases = cases.some((inCase) => inCase !== '')
  const figures = work.figures.filter(({ name }) => samples.some(({ figure }) => figure === name))
  const based = contenders.includes(BASELINE)
  const cells = (inCase: string, contender: string, figure: Figure): string[] => {
    const value = medianOf(results, { work: work.name, case: inCase, contender, figure: figure.name })
    const cell = value === undefined ? '-' : format(value)
    if (figure.compared !== true || !based) return [cell]
    const base = medianOf(results, { work: work.name, case: inCase, contender: BASELINE, figure: figure.name })
    return [cell, value === undefined || base === undefined || base === 0 ? '-' : `${format(value / base)}x`]
  }
  const head = figures.flatMap(({ name, unit, compared }) => [
    `${name}, ${unit}`,
    ...(compared === true && based ? [`to ${BASELINE}`] : []),
  ])
  const measured = (inCase: string, contender: string): boolean =>
    samples.some((sample) => sample.case === inCase && sample.contender === contender)
  const rows = cases.flatMap((inCase) =>
    contenders
      .filter((contender) => measured(inCase, contender))
      .map((contender) => [
        ...(withCases ? [inCase] : []),
        contender,
        ...figures.flatMap((figure) => cells(inCase, contender, figure)),
      ]),
  )
  return { head: [...(withCases ? ['case'] : []), 'contender', ...head], rows }
}

/** Columns of the same width; the first ones to the left, figures to the right. */
export function asText({ head, rows }: Table): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const names = head.indexOf('contender') + 1
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column < names ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)].join('\n')
}

/** @param names so many columns hold no figures */
export function asMarkdown({ head, rows }: Table, names = head.indexOf('contender') + 1): string {
  const rule = head.map((_, column) => (column < names ? '---' : '---:'))
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
