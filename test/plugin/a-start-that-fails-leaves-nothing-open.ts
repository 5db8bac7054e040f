// Is nothing locked or open after createPush failed, at whichever stage, and is no file touched where Redis is all?
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { ROOT, startProgram, startRedis, temporaryFolder } from '../support/index.ts'
import { packageFlags } from './support/package.ts'

const folder = temporaryFolder(t)
const cwd = join(folder, 'cwd')
mkdirSync(cwd)
const redis = await startRedis(t)
const program = startProgram(
  t,
  process.execPath,
  [...packageFlags(), join(ROOT, 'test', 'plugin', 'support', 'failing-starts.mjs'), folder, redis.url],
  { cwd },
)
t.same(await program.exited, { code: 0, signal: null }, `it ends by itself ${program.stderr.join('\n')}`)

const reasons = new Map(
  program.stdout.received.map((line) => JSON.parse(line)).map(({ name, ...told }) => [name, told] as const),
)
const expected: Readonly<Record<string, RegExp>> = {
  keys: /keys\.json: keys must hold at least one key/,
  'absent-keys': /nowhere\.json/,
  providers: /no providers today/,
  'wrong-providers': /providers\[0\]\.key/,
  metrics: /no metrics today/,
  'in-use': /store is in use by another process/,
  'another-version': /was written by another version/,
  'redis-database': /no database of that number/,
  'redis-keys': /keys must hold at least one key/,
  'redis-metrics': /no metrics today/,
}
for (const [name, reason] of Object.entries(expected)) t.match(reasons.get(name)?.reason, reason, name)
t.same(
  reasons.get('without-files'),
  { rejected: [], cwd: [], data: false },
  'Redis keeps the keys, and no file is made',
)
