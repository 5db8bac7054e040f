// Does the device in Python, with Paho, get what is sent, also while it or the server was away?
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram, temporaryFolder } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { EXAMPLES, receives } from './support/example.ts'

const file = join(EXAMPLES, 'device.py')
const [, library = ''] = /pip install (\S+)/.exec(readFileSync(file, 'utf8')) ?? []
const folder = temporaryFolder(t, 'python')

/** Undefined: it is there. */
function missing(): string | undefined {
  const run = (command: string, ...args: string[]) =>
    spawnSync(command, args, { encoding: 'utf8', timeout: 120_000 }).status
  if (run('python3', '-m', 'venv', folder) !== 0) return 'there is no python3 with venv here'
  if (run(join(folder, 'bin', 'pip'), 'install', '--quiet', library) !== 0) return `pip cannot install ${library} here`
  return undefined
}

const reason = missing()
await t.test('device.py', { skip: reason ?? false }, (t) =>
  receives(t, (t, env) => startProgram(t, join(folder, 'bin', 'python3'), [file], { env })),
)
