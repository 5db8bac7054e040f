// Does a second server on the same data directory end with a clear error, and leave the first one and its data alone?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, send, startServerProcess, temporaryFolder } from '../support/index.ts'
import { runMain } from './support/main.ts'

await t.test('a directory that is in use', async (t) => {
  const server = await startServerProcess(t)
  const issued = await issueToken(server, { app: 'chat', device: 'phone-1' })
  await send(server, { token: issued.tokenId }, 'before')
  const ended = await runMain(t, ['--mqtt-port', '0', '--http-port', '0', '--data-dir', server.dataDir])
  t.equal(ended.code, 1)
  t.equal(ended.output, '')
  t.ok(ended.errors.includes(server.dataDir), 'it names the directory')
  t.match(ended.errors, /in use|another/i, 'and says what is wrong')
  t.notMatch(ended.errors, /^ +at /m, 'without a stack')

  const device = await connectDevice(t, server, issued, { subscribe: true })
  t.equal((await device.next()).text, 'before')
  await server.restart()
  const back = await connectDevice(t, server, issued, { subscribe: true })
  await send(server, { token: issued.tokenId }, 'after')
  t.equal((await back.next()).text, 'after')
  await server.kill()
  await server.restart()
  t.ok(server.running, 'nothing keeps the directory after a kill')
})

await t.test('a directory that cannot be one', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  for (const dataDir of [file, join(file, 'below')]) {
    const ended = await runMain(t, ['--mqtt-port', '0', '--http-port', '0', '--data-dir', dataDir])
    t.ok(ended.code === 1 || ended.code === 2)
    t.ok(ended.errors.includes(file), 'it is named')
    t.notMatch(ended.errors, /^ +at /m, 'without a stack')
  }
})
