// Does the device in C, with libmosquitto, compile without a warning, and get what is sent, also while it or the server was away?
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { startProgram, temporaryFolder } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { EXAMPLES, receives } from './support/example.ts'

const device = join(temporaryFolder(t, 'c'), 'device')
const compile = (...args: string[]) => spawnSync('cc', args, { encoding: 'utf8', input: '#include <mosquitto.h>\n' })
const isThere = compile('-E', '-x', 'c', '-', '-o', '/dev/null').status === 0

await t.test('device.c', { skip: isThere ? false : 'there is no cc, or no libmosquitto-dev' }, async (t) => {
  const { status, stderr } = compile(
    '-Wall',
    '-Wextra',
    '-Werror',
    join(EXAMPLES, 'device.c'),
    '-lmosquitto',
    '-o',
    device,
  )
  t.equal(status, 0, stderr)
  await receives(t, (t, env) => startProgram(t, device, [], { env }))
})
