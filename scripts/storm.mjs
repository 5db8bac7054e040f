/**
 * `npm run storm`: the tests of several nodes at their full size, one after the other, with their figures. The same
 * files run smaller in `npm test`. `PUSH_TEST_SEED` repeats a run; `--seconds 600` makes the storm longer.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fail, prepare, root } from './prepare.mjs'

const SECONDS = 180
const TIMEOUT_SECONDS = 3_600
const FILES = [
  'storm/a-storm-loses-nothing',
  'storm/a-redis-that-fails-over-loses-nothing',
  'nodes/takeovers-between-two-nodes-leave-one-session',
  'nodes/all-devices-that-come-back-at-once-are-served',
  'nodes/a-broadcast-costs-the-same-however-many-devices-are-known',
  'nodes/a-start-does-the-same-work-however-many-sessions-are-stored',
]

const flag = process.argv.indexOf('--seconds')
const seconds = flag === -1 ? SECONDS : Number(process.argv[flag + 1])
if (!Number.isSafeInteger(seconds) || seconds < 1) fail('--seconds needs a whole number')
if (process.env.PUSH_TEST_DIST === undefined) prepare()

const env = {
  PUSH_TEST_STORM_SECONDS: String(seconds),
  PUSH_TEST_TAKEOVERS: '1000',
  PUSH_TEST_DEVICES: '10000',
  PUSH_TEST_KNOWN_DEVICES: '100000',
  PUSH_TEST_SESSIONS: '200000',
  ...process.env,
}
const tap = join(root, 'node_modules', '.bin', 'tap')
const options = ['run', '--disable-coverage', '--jobs=1', '--reporter=tap', `--timeout=${TIMEOUT_SECONDS}`]
const files = FILES.map((name) => join('test', `${name}.ts`))
const { status } = spawnSync(tap, [...options, ...files], { cwd: root, env, stdio: 'inherit' })
process.exit(status ?? 1)
