/** `npm run docs:settings`: what docs/operations.md says of the settings, from the tables that the server reads. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LIMIT_ORDERS } from '../common/limit-orders.ts'
import { LIMITS } from '../common/limits.ts'
import { flagOf, SETTINGS, type Setting } from '../server/settings.ts'
import { ROOT } from '../test/support/root.ts'

export const OPERATIONS = join(ROOT, 'docs', 'operations.md')

/** With both lists as they must be. */
export function withSettings(document: string): string {
  return between(between(document, 'settings', settingsTable()), 'settings that fit together', ordersList())
}

function settingsTable(): string {
  const rows = Object.entries<Setting<unknown>>(SETTINGS).map(([name, { about, allowed, limit, ...setting }]) => {
    const standard = setting.default === undefined ? 'not set' : `\`${setting.default as string | number}\``
    const option = limit === undefined ? '' : `\`${limit}\``
    return `| \`${name}\` | \`--${flagOf(name)}\` | ${option} | ${standard} | ${about}; ${allowed} |`
  })
  return ['| setting | flag | limit of `createPush` | default | |', '|---|---|---|---|---|', ...rows].join('\n')
}

function ordersList(): string {
  return LIMIT_ORDERS.map(({ lower, upper, yields, why }) => {
    const [adjusted, how] = yields === 'lower' ? [lower, 'lowered'] : [upper, 'raised']
    const [first, second, other] = [lower, upper, adjusted].map((name) => `\`${LIMITS[name].setting}\``)
    return `- ${first} and ${second}: ${why}. If ${other} is not set, it is ${how}.`
  }).join('\n')
}

function between(document: string, name: string, content: string): string {
  const begin = `<!-- ${name}: written by \`npm run docs:settings\` -->`
  const end = `<!-- end of ${name} -->`
  const [from, to] = [document.indexOf(begin), document.indexOf(end)]
  if (from === -1 || to === -1) throw new Error(`docs/operations.md has no ${begin} or no ${end}`)
  return `${document.slice(0, from + begin.length)}\n${content}\n${document.slice(to)}`
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(OPERATIONS, withSettings(readFileSync(OPERATIONS, 'utf8')))
