// Does the documentation name every error code and every setting, with the values that the code has?
import { readFileSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { OPERATIONS, withSettings } from '../../scripts/settings-table.ts'
import { ERRORS } from '../../errors.ts'
import { join } from 'node:path'
import { ROOT } from '../support/root.ts'

const read = (name: string) => readFileSync(join(ROOT, 'docs', name), 'utf8')
const rowsOf = (text: string) =>
  new Map([...text.matchAll(/^\| `([A-Z_]+)` \|(.*)$/gm)].map(([, name = '', rest = '']) => [name, rest]))

const errors = rowsOf(read('errors.md'))
for (const [code, row] of Object.entries<{ status: number; reason?: number; title: string }>(ERRORS)) {
  const reason = row.reason === undefined ? '' : `0x${row.reason.toString(16).padStart(2, '0')}`
  t.equal(
    errors.get(code)?.trim(),
    `${row.status} | ${reason} | ${row.title} |`.trim(),
    `${code} is documented as it is`,
  )
}
t.strictSame([...errors.keys()].sort(), Object.keys(ERRORS).sort(), 'and no code that is gone')

const operations = readFileSync(OPERATIONS, 'utf8')
t.equal(operations, withSettings(operations), 'every setting is documented as it is; else run npm run docs:settings')
