// Is what we work around in our dependencies still so? When this fails, the workaround that it names can go.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import { connectBytes, ROOT } from '../support/index.ts'

const PROGRAM = `
import { PassThrough, Duplex } from 'node:stream'
import { Aedes } from 'aedes'
const broker = await Aedes.createBroker()
const from = new PassThrough()
broker.handle(Duplex.from({ readable: from, writable: new PassThrough() }))
from.write(Buffer.from(process.argv[1], 'hex'))
setTimeout(() => process.exit(0), 1000)
`

await t.test('aedes ends with a client id of Object.prototype (broker/aedes/object-names.ts)', async (t) => {
  const end = async (clientId: string): Promise<unknown> => {
    const packet = connectBytes({ clientId }).toString('hex')
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, packet], {
      cwd: ROOT,
      stdio: 'ignore',
    })
    return (await once(child, 'exit'))[0]
  }
  t.equal(await end('anybody'), 0)
  t.not(await end('constructor'), 0)
})
