/**
 * `npm test`, `npm run test:long`: sees to the tools, runs tap, and closes with one plain line of counts.
 *
 *   npm test -- test/topics/names-cannot-leave-their-level.ts     some files; other arguments go to tap
 *   npm run test:long -- --seconds 180 --seed 7 test/long/fuzz    the long tests, all or some, at their full size
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { writeGroups } from './groups.ts'
import { createSummary } from './summary.ts'
import { ensureTools } from './tools.ts'

const TESTS = 'test'
const LONG = join(TESTS, 'long')
/** The fault matrix waits longer than commands do, in a long run. */
const FAULTS = join(TESTS, 'faults')
const LONG_TIMEOUT_SECONDS = 7_200

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    long: { type: 'boolean' },
    seconds: { type: 'string' },
    inputs: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
})

/** What the tests read, by the flag that sets it. */
const VARIABLES = {
  seconds: 'PUSH_TEST_SECONDS',
  inputs: 'PUSH_TEST_INPUTS',
  seed: 'PUSH_TEST_SEED',
  only: 'PUSH_TEST_ONLY',
} as const

const env: NodeJS.ProcessEnv = values.long === true ? { ...process.env, PUSH_TEST_LONG: '1' } : { ...process.env }
for (const [flag, name] of Object.entries(VARIABLES)) {
  const value = values[flag]
  if (typeof value === 'string') env[name] = value
}

/** The test, or all tests of a folder, as paths below test/. */
function testsOf(path: string): string[] {
  const inside = relative(TESTS, resolve(path))
  if (!statSync(path).isDirectory()) return [inside]
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/(^|\/)(support\/|conformance\.ts)/.test(name))
    .map((name) => join(inside, name))
    .sort()
}

function tapArguments(): string[] {
  const flags = process.argv.slice(2).filter((each) => each.startsWith('-') && !isOurs(each))
  if (values.long === true) {
    const paths = positionals.length > 0 ? positionals : [LONG, FAULTS]
    return ['--jobs=1', `--timeout=${LONG_TIMEOUT_SECONDS}`, ...flags, ...writeGroups(paths.flatMap(testsOf))]
  }
  const files =
    positionals.length > 0 ? positionals.flatMap(testsOf) : testsOf(TESTS).filter((file) => !file.startsWith('long'))
  return [...flags, ...writeGroups(files)]
}

function isOurs(flag: string): boolean {
  const name = flag.replace(/^--/, '').split('=')[0] ?? ''
  return name === 'long' || Object.hasOwn(VARIABLES, name)
}

ensureTools()
const tap = join('node_modules', 'tap', 'dist', 'esm', 'run.mjs')
const child = spawn(process.execPath, [tap, 'run', '--reporter=tap', ...tapArguments()], {
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
const summary = createSummary((line) => console.log(line))
createInterface({ input: child.stdout }).on('line', summary.line)
const [code] = await once(child, 'close')
const { pass, fail, skip, todo } = summary.counts
// A run that ended badly without a failed assertion has failed all the same: the line must not look green.
const failures = code === 0 && pass > 0 ? fail : Math.max(fail, 1)
const skipped = skip + todo > 0 ? `, ${skip + todo} skipped` : ''
process.exitCode = failures === 0 ? 0 : Number(code) || 1
process.stdout.write(`${pass} passed, ${failures} failed${skipped}\n`)
