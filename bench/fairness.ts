/**
 * `node .build/bench/fairness.js [--redis] [--seconds 10] [--rounds 3] [--realtime] [--floods all,...]`: what one provider's flood costs another one. It publishes
 * now and then, over HTTP and over MQTT, with and without somebody else's flood, in turns; the table has what it waits for.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { FLOODS } from './fairness/floods.ts'
import { httpRequest, HttpPool } from './load/http.ts'
import { asText } from './report/table.ts'
import { Child } from './run/processes.ts'
import { startRedis } from './run/redis.ts'
import { percentile } from './run/statistics.ts'

const MAIN = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))
const QUIET = fileURLToPath(new URL('./fairness/quiet.js', import.meta.url))
const FLOOD = fileURLToPath(new URL('./fairness/flood.js', import.meta.url))
const KEY = 'provider-key-of-the-benchmark'
const PROVIDERS = [
  { name: 'quiet', key: 'key-of-the-quiet-provider', apps: ['quiet'] },
  { name: 'flood', key: 'key-of-the-flooding-provider', apps: ['flood'] },
]
const TOKENS = 200
/** Until a flood, or its end, is all that there is, ms. */
const SETTLE_MS = 1_500

const { values } = parseArgs({
  options: {
    redis: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    // The server and who is measured run before all others, where the machine does other things as well (`chrt`).
    realtime: { type: 'boolean', default: false },
    floods: { type: 'string', default: Object.keys(FLOODS).join(',') },
  },
})
const seconds = Number(values.seconds)

const folder = mkdtempSync(join(tmpdir(), 'fairness-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

async function tokensOf(port: number, app: string): Promise<string[]> {
  const pool = await HttpPool.open(port, 16)
  const asked = Array.from({ length: TOKENS }, async (_, number) => {
    const names = { app, device: `d${number}` }
    const { body } = await pool.request(httpRequest('POST', '/v1/tokens', KEY, names))
    return (JSON.parse(body) as { tokenId: string }).tokenId
  })
  const tokens = await Promise.all(asked)
  pool.close()
  return tokens
}

/** A program, and how it runs before others where that is asked for. */
const first = (script: string): [program: string, given: string[]] =>
  values.realtime ? ['chrt', ['-f', '1', process.execPath, script]] : [process.execPath, [script]]

/** How long each publish took, ms, by the way it went. */
type Waits = Readonly<Record<'http' | 'mqtt', number[]>>

async function main(): Promise<void> {
  const redis = values.redis ? await startRedis('redis-server', folder, 'everysec') : undefined
  const file = join(folder, 'providers.json')
  writeFileSync(file, JSON.stringify(PROVIDERS))
  const env = {
    PUSH_DATA_DIR: join(folder, 'data'),
    PUSH_PROVIDER_KEY: KEY,
    PUSH_PROVIDERS_FILE: file,
    PUSH_LOG_LEVEL: 'error',
    PUSH_MQTT_PORT: '0',
    PUSH_HTTP_PORT: '0',
    ...(redis === undefined ? {} : { PUSH_REDIS_URL: redis.url }),
  }
  const server = new Child(...first(MAIN), { env, cwd: folder })
  const [, mqtt = '', http = ''] = /mqtt=(\d+) http=(\d+)/.exec(await server.line(/^ready /)) ?? []
  const tokens = { quiet: await tokensOf(Number(http), 'quiet'), flood: await tokensOf(Number(http), 'flood') }
  const common = { MQTT: mqtt, HTTP: http }

  const quiet = async (): Promise<Waits> => {
    const own = { ...common, KEY: PROVIDERS[0]?.key ?? '', TOKENS: tokens.quiet.join(), SECONDS: String(seconds) }
    const child = new Child(...first(QUIET), { env: own, cwd: folder })
    const waits = JSON.parse(await child.line(/^\{/)) as Waits
    await child.stop()
    return waits
  }
  const during = async (flood: string): Promise<Waits> => {
    const own = { ...common, KEY: PROVIDERS[1]?.key ?? '', TOKENS: tokens.flood.join(), FLOOD: flood }
    // The generator of a flood is not what keeps the quiet one waiting.
    const child = new Child('nice', ['-n', '10', process.execPath, FLOOD], { env: own, cwd: folder })
    await child.line(/^flooding/)
    await pause(SETTLE_MS)
    const waits = await quiet()
    await child.stop()
    await pause(SETTLE_MS)
    return waits
  }

  const all = new Map<string, { http: number[]; mqtt: number[] }>()
  const add = (name: string, waits: Waits): void => {
    const known = all.get(name) ?? { http: [], mqtt: [] }
    known.http.push(...waits.http)
    known.mqtt.push(...waits.mqtt)
    all.set(name, known)
  }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const flood of values.floods.split(',')) {
      add('nobody', await quiet())
      add(flood, await during(flood))
      console.error(`round ${round + 1}: ${flood}`)
    }
  }
  await server.stop()
  await redis?.stop()

  const figures = (waits: readonly number[]) => {
    const sorted = waits.toSorted((one, other) => one - other)
    return [0.5, 0.99].map((share) => percentile(sorted, share))
  }
  const alone = all.get('nobody')
  const rows = [...all].flatMap(([name, waits]) =>
    (['http', 'mqtt'] as const).map((way) => {
      const [median = 0, p99 = 0] = figures(waits[way])
      const [, usual = Number.NaN] = figures(alone?.[way] ?? [])
      return [name, way, median.toFixed(2), p99.toFixed(2), `${(p99 / usual).toFixed(2)}x`, String(waits[way].length)]
    }),
  )
  console.log(
    asText({ head: ['flood by another', 'publish', 'median ms', 'p99 ms', 'p99 to alone', 'publishes'], rows }),
  )
}

await main()
