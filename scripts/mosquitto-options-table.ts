/** `npm run docs:mosquitto`: what docs/mosquitto.md says of each option, from the table that the reader of files has. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ALTERNATIVES, type Option, OPTIONS, type Scope } from '../mosquitto-compat/conf/options.ts'
import { ROOT } from '../test/support/root.ts'

export const MOSQUITTO = join(ROOT, 'docs', 'mosquitto.md')

const BEGIN = '<!-- options: written by `npm run docs:mosquitto` -->'
const END = '<!-- end of options -->'

const WHERE: Readonly<Record<Scope, string>> = {
  global: 'all',
  security: 'all, or a listener',
  listener: 'listener',
  'default listener': 'listener',
  bridge: 'bridge',
  plugin: 'plugin',
  section: '',
}

/** With the table as it must be. */
export function withOptions(document: string): string {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (from === -1 || to === -1) throw new Error(`docs/mosquitto.md has no ${BEGIN} or no ${END}`)
  return `${document.slice(0, from + BEGIN.length)}\n${table()}\n${document.slice(to)}`
}

function table(): string {
  const rows = Object.entries<Option>(OPTIONS).map(([name, { scope, value, fate, about }]) => {
    const others = Object.entries(ALTERNATIVES).filter(([, meant]) => meant === name)
    const names = [name, ...others.map(([other]) => other)].map((each) => `\`${each}\``).join(', ')
    return `| ${[names, WHERE[scope], value.allowed, fate, about].map(escaped).join(' | ')} |`
  })
  return ['| option | of | values | | here |', '|---|---|---|---|---|', ...rows].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(MOSQUITTO, withOptions(readFileSync(MOSQUITTO, 'utf8')))
