// When the disk of the embedded store takes no more bytes, does everybody get an answer, and all go on when it is freed?
import { t } from '../support/tap.ts'
import { runProgram, type Scope, type ServerProcess } from '../support/index.ts'
import { faultMatrix } from './support/matrix.ts'

/** No file of the server may grow beyond this: a write stops in its middle, as on a full disk. */
const fileSize = (t: Scope, { pid }: ServerProcess, bytes: string) =>
  runProgram(t, 'prlimit', [`--pid=${pid}`, `--fsize=${bytes}:unlimited`])

await t.test('the disk is full', async (t) => {
  await faultMatrix(t, {
    start: async () => ({}),
    begin: (server) => fileSize(t, server, '100'),
    end: (server) => fileSize(t, server, 'unlimited'),
    ready: undefined,
  })
})
