// Where a page gives the default of a limit beside its setting, is it the one that holds?
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { LIMITS } from '../../common/limits.ts'
import type { Limit } from '../../common/limit.ts'
import { SETTINGS, type Setting } from '../../server/settings.ts'
import { ROOT } from '../support/root.ts'

type Numeric = Pick<Limit, 'default' | 'unit' | 'zeroIsNone'>

const DOCS = join(ROOT, 'docs')
const NUMBERS = new Map<string, Numeric>(Object.values(LIMITS).map((limit) => [limit.setting, limit]))
for (const [name, { default: value, limit, about }] of Object.entries<Setting<unknown>>(SETTINGS))
  if (typeof value === 'number' && limit === undefined)
    NUMBERS.set(name, { default: value, zeroIsNone: false, ...(about.endsWith(', s') ? { unit: 's' } : {}) })
/** `4 MiB (`PUSH_MAX_PENDING_BYTES`)`: what a sentence says before settings in brackets. */
const SENTENCE = /([^.;|()\n]+) \(((?:`PUSH_[A-Z_]+`(?:, )?)+)\)/g
const FIGURE = /(?<![\w.-])\d[\d,]*(?: (?:MiB|KiB|bytes|days|hours|ms|s)\b)?/g

const read = (page: string) => readFileSync(join(DOCS, page), 'utf8')
const limitsIn = (text: string) =>
  [...text.matchAll(/`(PUSH_[A-Z_]+)`/g)].flatMap(([, name = '']) => NUMBERS.get(name) ?? [])

/** Each way that people write it. */
function written({ default: value, unit, zeroIsNone }: Numeric): string[] {
  const count = value.toLocaleString('en')
  if (zeroIsNone && value === 0) return ['without limit']
  if (unit === 's') return [`${count} s`, `${value / 3600} hours`, `${value / 86_400} days`, count]
  if (unit === 'ms') return [`${count} ms`]
  return [`${value / 1024 ** 2} MiB`, `${value / 1024} KiB`, `${count} bytes`, count]
}

await t.test('in sentences', async (t) => {
  let found = 0
  for (const page of readdirSync(DOCS).filter((name) => name.endsWith('.md'))) {
    for (const [sentence, before = '', names = ''] of read(page).matchAll(SENTENCE)) {
      const limits = limitsIn(names)
      const figures = (before.match(FIGURE) ?? []).slice(-limits.length)
      for (const [at, limit] of limits.slice(-figures.length).entries()) {
        if (figures.length === 0) continue
        t.ok(written(limit).includes(figures[at]!), `${page}: ${sentence}`)
        found++
      }
    }
  }
  t.ok(found > 12, `${found} figures`)
})

await t.test('in the tables of limits', async (t) => {
  let rows = 0
  for (const page of ['http.md', 'mqtt.md']) {
    const [, table = ''] = read(page).split('| | default | setting |\n|---|---|---|\n')
    for (const row of table.slice(0, table.indexOf('\n\n')).split('\n')) {
      const [, , value = '', setting = ''] = row.split(' | ').flatMap((cell, at) => (at === 0 ? ['', cell] : [cell]))
      const limits = limitsIn(setting)
      const sum = limits.reduce((seconds, limit) => seconds + limit.default, 0)
      const values = limits.length === 1 ? limits.flatMap(written) : [`${sum} s`]
      t.ok(
        values.some((each) => value === each || value.startsWith(`${each}, `)),
        `${page}: ${row}`,
      )
      rows++
    }
  }
  t.ok(rows > 20, `${rows} rows`)
})
