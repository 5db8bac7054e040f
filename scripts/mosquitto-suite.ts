/**
 * Mosquitto's own broker tests (`test/broker` of github.com/eclipse-mosquitto/mosquitto, tag v2.1.2) with `aedes-push
 * mosquitto` in place of its broker:
 *
 *   npm run test:mosquitto -- <checkout of that repository> [--only 06-bridge] [--jobs 2] [--json results.json] [--log folder] [--broker program]
 *
 * They need Python 3 with its package psutil, openssl, and Debian's mosquitto-clients and mosquitto. Nothing in the checkout
 * is changed: the tests run in a copy. Those that load plugins which were compiled for them, dynamic security or TLS-PSK are
 * left out, and those of Mosquitto's HTTP API and control topics are not. Prints how each went, what failed and why
 * (`mosquitto-suite-reasons.ts`), and exits with 1 when something failed without a reason.
 */
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { REASONS } from './mosquitto-suite-reasons.ts'

const MAIN = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))
/** Of what these need there is no equivalent here, and none is promised. */
const LEFT_OUT =
  /test_plugin\(|plugin c\/|dynsec|dynamic_security|persist_sqlite|sparkplug_aware|mosquitto_ctrl|psk|persist_help|plugin_persist/
/** A test that hangs, ms. */
const LONGEST_MS = 120_000
/** Another one for each run, of which there may be several. */
const FIRST_PORT = 12_000 + (process.pid % 100) * 100
/** Where the tests look for programs, and what Debian has of them. */
const PROGRAMS = {
  'client/mosquitto_pub': '/usr/bin/mosquitto_pub',
  'client/mosquitto_sub': '/usr/bin/mosquitto_sub',
  'client/mosquitto_rr': '/usr/bin/mosquitto_rr',
  'apps/mosquitto_passwd/mosquitto_passwd': '/usr/bin/mosquitto_passwd',
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
    json: { type: 'string' },
    log: { type: 'string' },
    // Another broker in its place, to see what a test wants.
    broker: { type: 'string' },
  },
})

interface Test {
  readonly ports: number
  readonly file: string
}

interface Outcome {
  readonly passed: boolean
  readonly seconds: number
  readonly output: string
}

function testsOf(folder: string): Test[] {
  const list = readFileSync(join(folder, 'test.py'), 'utf8')
  const all = [...list.matchAll(/^\s*\((\d), '\.\/([^']+)'/gm)].map(([, ports, file = '']) => ({
    ports: Number(ports),
    file,
  }))
  const isFor = ({ file }: Test) => !file.includes('plugin') && !LEFT_OUT.test(readFileSync(join(folder, file), 'utf8'))
  return all.filter((test) => isFor(test) && test.file.includes(values.only))
}

/**
 * A copy of the tests, and beside it what they think that was built. Node takes longer to start than a program in C: where
 * they wait for the broker, or for its end when it is to fail, they wait five times as long.
 */
function prepare(checkout: string, root: string): string {
  // A broker that is started as root reads them as another user.
  chmodSync(root, 0o755)
  cpSync(join(checkout, 'test'), join(root, 'test'), { recursive: true })
  for (const file of ['aclfile.example', 'mosquitto.conf', 'pwfile.example'])
    cpSync(join(checkout, file), join(root, file))
  const helper = join(root, 'test', 'mosq_test.py')
  const patient = readFileSync(helper, 'utf8')
    .replace('range(0, 20)', 'range(0, 100)')
    .replace('broker.wait(timeout*10)', 'broker.wait(timeout*50)')
  writeFileSync(helper, patient)
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const link = join(root, name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(program, link)
  }
  const broker = join(root, 'src', 'mosquitto')
  mkdirSync(dirname(broker), { recursive: true })
  const program = values.broker ?? `${process.execPath} ${MAIN} mosquitto`
  // What a broker keeps is its own in each test, and is there again when it is started again in the same test. A test that
  // looks for the database file finds an empty one; where it has deleted that, nothing is left.
  writeFileSync(
    broker,
    `#!/bin/sh
data="$SUITE_DATA/$(echo "$*" | cksum | cut -d' ' -f1)"
for conf in "$@"; do
  database=$(sed -n 's/^persistence_file  *//p' -- "$conf" 2>/dev/null | tail -1)
  [ -n "$database" ] || continue
  [ -e "$database" ] || rm -rf "$data"
  : > "$database"
done
PUSH_DATA_DIR="$data" exec ${program} "$@"
`,
  )
  chmodSync(broker, 0o755)
  return join(root, 'test', 'broker')
}

async function runOne(folder: string, root: string, { file }: Test, ports: readonly number[]): Promise<Outcome> {
  const began = performance.now()
  const data = mkdtempSync(join(root, 'data-'))
  // Root gives its rights up.
  chmodSync(data, 0o777)
  const env = { ...process.env, BUILD_ROOT: root, SUITE_DATA: data, PYTHONDONTWRITEBYTECODE: '1' }
  const child = spawn('python3', [`./${file}`, ...ports.map(String)], { cwd: folder, env, detached: true })
  let output = ''
  const take = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const endAll = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // All of them have ended.
    }
  }
  const late = setTimeout(endAll, LONGEST_MS)
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  clearTimeout(late)
  endAll()
  rmSync(data, { recursive: true, force: true })
  return { passed: code === 0, seconds: (performance.now() - began) / 1000, output }
}

async function runAll(checkout: string): Promise<boolean> {
  const root = mkdtempSync(join(tmpdir(), 'mosquitto-suite-'))
  const outcomes = new Map<string, Outcome>()
  try {
    const folder = prepare(checkout, root)
    const tests = testsOf(folder)
    const waiting = [...tests]
    const worker = async (first: number): Promise<void> => {
      for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
        const ports = Array.from({ length: test.ports }, (_, index) => first + index)
        const outcome = await runOne(folder, root, test, ports)
        outcomes.set(test.file, outcome)
        tell(test.file, outcome)
      }
    }
    await Promise.all(Array.from({ length: Number(values.jobs) }, (_, number) => worker(FIRST_PORT + number * 20)))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  return judge(outcomes)
}

function tell(file: string, { passed, seconds, output }: Outcome): void {
  console.log(`${passed ? 'passed' : 'FAILED'} ${file} (${seconds.toFixed(1)} s)`)
  if (values.log === undefined || passed) return
  mkdirSync(values.log, { recursive: true })
  writeFileSync(join(values.log, `${basename(file, '.py')}.log`), output)
}

/** False when something failed without a reason. */
function judge(outcomes: ReadonlyMap<string, Outcome>): boolean {
  const failed = [...outcomes].filter(([, { passed }]) => !passed).map(([file]) => file)
  const unexplained = failed.filter((file) => REASONS[file] === undefined)
  console.log('')
  for (const file of failed.toSorted()) console.log(`${file}: ${REASONS[file] ?? 'no reason is known'}`)
  const unneeded = Object.keys(REASONS).filter((file) => outcomes.get(file)?.passed === true)
  if (unneeded.length > 0) console.log(`has a reason and passes: ${unneeded.join(', ')}`)
  console.log(
    `${outcomes.size - failed.length} of ${outcomes.size} passed; ${failed.length - unexplained.length} failed for a known reason`,
  )
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      JSON.stringify(Object.fromEntries([...outcomes].map(([file, { passed }]) => [file, passed]))),
    )
  return unexplained.length === 0
}

const [checkout] = positionals
if (checkout === undefined) {
  console.error('usage: npm run test:mosquitto -- <checkout of github.com/eclipse-mosquitto/mosquitto>')
  process.exit(2)
}
process.exitCode = (await runAll(checkout)) ? 0 : 1
