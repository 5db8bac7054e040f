/**
 * `npm run fuzz`: packets of all types of MQTT 3.1, 3.1.1 and 5, changed at random, against the real server. The same
 * file runs for a moment in `npm test`. `--packets N` and `--seconds N` say when it ends, whichever comes first;
 * `PUSH_TEST_SEED`, which a run prints, repeats it.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fail, prepare, root } from './prepare.mjs'

const PACKETS = 10_000_000
const SECONDS = 1_800
const FILE = join('test', 'fuzz', 'mutated-packets-harm-nobody.ts')

function wholeNumber(flag, otherwise) {
  const at = process.argv.indexOf(flag)
  if (at === -1) return otherwise
  const number = Number(process.argv[at + 1])
  if (!Number.isSafeInteger(number) || number < 1) fail(`${flag} needs a whole number`)
  return number
}

const packets = wholeNumber('--packets', PACKETS)
const seconds = wholeNumber('--seconds', SECONDS)
if (process.env.PUSH_TEST_DIST === undefined) prepare()

const env = { PUSH_TEST_FUZZ_PACKETS: String(packets), PUSH_TEST_FUZZ_SECONDS: String(seconds), ...process.env }
const tap = join(root, 'node_modules', '.bin', 'tap')
const options = ['run', '--disable-coverage', '--jobs=1', '--reporter=tap', `--timeout=${seconds + 600}`]
const { status } = spawnSync(tap, [...options, FILE], { cwd: root, env, stdio: 'inherit' })
process.exit(status ?? 1)
