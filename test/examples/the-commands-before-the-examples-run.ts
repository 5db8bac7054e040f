// Do the commands that examples/README.md begins with give the examples what they need?
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { lookup, runProgram, startServer, temporaryFolder } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { EXAMPLES } from './support/example.ts'

await t.test('in a shell', async (t) => {
  const server = await startServer(t)
  const cwd = temporaryFolder(t)
  mkdirSync(cwd, { recursive: true })
  symlinkSync(server.dataDir, join(cwd, 'data'))
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(readFileSync(join(EXAMPLES, 'README.md'), 'utf8')) ?? []
  const commands = block.replaceAll('localhost:8080', `127.0.0.1:${server.httpPort}`)
  const printed = `${commands}\nexec node -p 'JSON.stringify([process.env.KEY, process.env.TOKEN, process.env.TOPIC])'`
  const [key, token, topic] = JSON.parse(await runProgram(t, 'sh', ['-euc', printed], { cwd }))
  t.equal(key, server.providerKey)
  t.match(topic, /^chat\/t\//)
  t.same((await lookup(server, token)).messages, [])
})
