/** `npm run sizing`: what installations of a million devices and more need; see docs/sizing.md. */
import { existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { asText } from './report/table.ts'
import { ENGINES, type Engine, openPopulation } from './sizing/engines.ts'
import { measure, type Measured, PARTS, shareEmbedded, shareOnRedis } from './sizing/measure.ts'
import { needOf, type ServerCosts } from './sizing/need.ts'
import { pageOf } from './sizing/page.ts'
import { type Rates, RATES } from './sizing/rates.ts'
import { serverCosts } from './sizing/server-costs.ts'

const INSTALLATIONS: Readonly<Record<Engine, readonly number[]>> = { embedded: [1e5], Redis: [1e6, 1e7, 1e8] }
const QUICK: typeof INSTALLATIONS = { embedded: [1e4], Redis: [1e6] }
const RESULTS = 'bench-results.json'
const RATE_NAMES = Object.keys(RATES) as (keyof Rates)[]

const USAGE = `npm run sizing -- [options]
  --from a,b    results of npm run bench, with private, broadcast, connect and idle of ours-redis (default ${RESULTS})
  --quick       few devices, and one million on Redis
  --write       also write docs/sizing.md
${RATE_NAMES.map((name) => `  --${name} n`.padEnd(18) + `default ${RATES[name]}`).join('\n')}`

const { values } = parseArgs({
  options: {
    from: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    ...Object.fromEntries(RATE_NAMES.map((name) => [name, { type: 'string' } as const])),
  },
})

function ratesOf(given: Readonly<Record<string, unknown>>): Rates {
  const rates: { -readonly [Name in keyof Rates]: Rates[Name] } = { ...RATES }
  for (const name of RATE_NAMES) {
    if (given[name] !== undefined) rates[name] = Number(given[name])
    if (!(rates[name] > 0)) throw new Error(`--${name} needs a number above 0`)
  }
  return rates
}

async function measureAll(engine: Engine, rates: Rates): Promise<(Measured & { readonly engine: Engine })[]> {
  const all: (Measured & { readonly engine: Engine })[] = []
  const shareOf = engine === 'Redis' ? shareOnRedis : shareEmbedded
  for (const devices of (values.quick === true ? QUICK : INSTALLATIONS)[engine]) {
    const { population, close } = await openPopulation(engine, rates.payload)
    try {
      all.push({ engine, ...(await measure(population, devices, shareOf(devices), rates)) })
    } finally {
      await close()
    }
    console.error(`${engine}, ${devices} devices: measured`)
  }
  return all
}

/** Asked before anything is measured. Without it a page would say nothing of what is needed. */
function measuredServer(): ServerCosts | undefined {
  if (typeof values.from === 'string') return serverCosts(values.from)
  if (existsSync(RESULTS)) return serverCosts(RESULTS)
  if (values.write === true) throw new Error(`${RESULTS} is not there: --write needs --from`)
  console.error(`${RESULTS} is not there: no needs`)
  return undefined
}

async function main(): Promise<void> {
  if (values.help === true) return console.log(USAGE)
  const rates = ratesOf(values)
  const server = measuredServer()
  const measured: (Measured & { readonly engine: Engine })[] = []
  for (const engine of ENGINES) measured.push(...(await measureAll(engine, rates)))
  const onRedis = measured.filter(({ engine }) => engine === 'Redis')
  const needs = server === undefined ? [] : onRedis.map((one) => needOf(one, server, rates))
  const sizing = { rates, measured, server, needs }
  const head = ['engine', 'contender', ...PARTS, 'device', 'message', 'broadcast', 'mixed']
  const rows = measured.map(({ engine, devices, costs, bytes, mixed }) => [
    engine,
    String(devices),
    ...PARTS.map((part) => `${costs[part].node.toFixed(1)} + ${costs[part].redis.toFixed(1)}`),
    ...[bytes.device, bytes.message, bytes.broadcast].map((value) => value.toFixed(0)),
    `${(mixed.measured / mixed.summed).toFixed(2)}x`,
  ])
  console.log(asText({ head, rows }))
  for (const need of needs) console.log(need)
  if (values.write === true) writeFileSync('docs/sizing.md', pageOf(sizing))
}

await main()
