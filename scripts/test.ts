/**
 * `npm test`, `npm run test:long`: sees to the tools, runs tap, and closes with one plain line of counts.
 *
 *   npm test -- test/topics/names-cannot-leave-their-level.ts     some files or folders
 *   npm run test:long -- --seconds 180 --seed 7 test/long/fuzz    the long tests, all or some, at their full size
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import tap from 'tap'
import { writeGroups } from './groups.ts'
import { createSummary } from './summary.ts'
import { ensureTools } from './tools.ts'

const TESTS = 'test'
const LONG = join(TESTS, 'long')
/** The fault matrix waits longer than commands do, in a long run. */
const FAULTS = join(TESTS, 'faults')
const LONG_TIMEOUT_SECONDS = 7_200
/** For one process. A file in it has 300 s, and what it awaits has shorter deadlines of its own. */
const TIMEOUT_SECONDS = 900
const NO_ASYNC_HOOKS = new URL('../test/support/no-async-hooks.js', import.meta.url).href
/** More than the two cores that we count on: many wait for something. */
const JOBS = 3

const { values, positionals } = parseArgs({
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
for (const flag of Object.keys(VARIABLES) as (keyof typeof VARIABLES)[]) {
  const value = values[flag]
  if (value !== undefined) env[VARIABLES[flag]] = value
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

function filesOf(): string[] {
  if (positionals.length > 0) return positionals.flatMap(testsOf)
  if (values.long === true) return [LONG, FAULTS].flatMap(testsOf)
  return testsOf(TESTS).filter((file) => !file.startsWith('long'))
}

ensureTools()
// Each process is a subtest of this one. Its report comes when it has ended, so that those of several do not mix.
tap.jobs = values.long === true ? 1 : JOBS
const seconds = values.long === true ? LONG_TIMEOUT_SECONDS : TIMEOUT_SECONDS
env.TAP_TIMEOUT = String(seconds)
tap.setTimeout(0)
const report = new PassThrough()
tap.pipe(report)
const summary = createSummary((line) => console.log(line))
const lines = createInterface({ input: report }).on('line', summary.line)
// Who ends this process alone, as a supervisor does, ends the tests as well.
const running = new Set<ChildProcess>()
tap.on('spawn', (each) => {
  each.on('process', (child) => {
    running.add(child)
    child.once('exit', () => running.delete(child))
  })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal)
    process.kill(process.pid, signal)
  })
}
for (const path of writeGroups(filesOf()))
  void tap.spawn(
    process.execPath,
    ['--enable-source-maps', '--trace-warnings', '--import', NO_ASYNC_HOOKS, path],
    { buffered: true, timeout: seconds * 1_000, env },
    path,
  )
tap.end()
await once(lines, 'close')
const { pass, fail, skip, todo } = summary.counts
// A run that ended badly without a failed assertion has failed all the same: the line must not look green.
const failures = tap.passing() && pass > 0 ? fail : Math.max(fail, 1)
const skipped = skip + todo > 0 ? `, ${skip + todo} skipped` : ''
process.exitCode = failures === 0 ? 0 : 1
process.stdout.write(`${pass} passed, ${failures} failed${skipped}\n`)
