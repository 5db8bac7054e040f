/**
 * `npm run fuzz`: packets of all types of MQTT 3.1, 3.1.1 and 5, HTTP requests, upgrades and WebSocket frames, changed at
 * random, against the real server. The same file runs for a moment in `npm test`. `--inputs N` and `--seconds N` say when
 * it ends, whichever comes first; `--seed N`, which a run prints, repeats it, and `--only lane:number` one input of it.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fail, prepare, root } from './prepare.mjs'

const INPUTS = 100_000_000
const SECONDS = 1_800
const FILE = join('test', 'fuzz', 'mutated-input-harms-nobody.ts')

function valueOf(flag) {
  const at = process.argv.indexOf(flag)
  return at === -1 ? undefined : (process.argv[at + 1] ?? '')
}

function wholeNumber(flag, otherwise) {
  const number = Number(valueOf(flag) ?? otherwise)
  if (!Number.isSafeInteger(number) || number < 1) fail(`${flag} needs a whole number`)
  return number
}

const seconds = wholeNumber('--seconds', SECONDS)
const seed = valueOf('--seed')
const only = valueOf('--only')
const env = {
  PUSH_TEST_FUZZ_INPUTS: String(wholeNumber('--inputs', INPUTS)),
  PUSH_TEST_FUZZ_SECONDS: String(seconds),
  ...process.env,
  ...(seed === undefined ? {} : { PUSH_TEST_SEED: String(wholeNumber('--seed')) }),
  ...(only === undefined ? {} : { PUSH_TEST_FUZZ_ONLY: only }),
}
if (process.env.PUSH_TEST_DIST === undefined) prepare()
const tap = join(root, 'node_modules', '.bin', 'tap')
const options = ['run', '--disable-coverage', '--jobs=1', '--reporter=tap', `--timeout=${seconds + 600}`]
const { status } = spawnSync(tap, [...options, FILE], { cwd: root, env, stdio: 'inherit' })
process.exit(status ?? 1)
