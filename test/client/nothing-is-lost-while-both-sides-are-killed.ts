// Does every message that was accepted reach a handler, whatever is killed: the server, again and again, or the client in its handler?
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeFileSync } from 'node:fs'
import {
  BUILD,
  issueToken,
  lookup,
  eventually,
  send,
  startProgram,
  startServerProcess,
  temporaryFolder,
} from '../support/index.ts'
import { t } from '../support/tap.ts'
import { startListening } from './support/listening.ts'

for (const transport of ['stream', 'poll'] as const)
  await t.test(`${transport}: the server is killed`, async (t) => {
    const server = await startServerProcess(t)
    const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'phone' })
    const { messages, listener } = startListening(t, server, { token, transport })
    const sent: string[] = []
    for (let life = 0; life < 3; life += 1) {
      for (let number = 0; number < 30; number += 1) {
        sent.push(`life ${life}, number ${number}`)
        await send(server, { token: tokenId }, sent.at(-1))
      }
      // In the midst of it: some are handled, and of these some are not acknowledged.
      await messages.next()
      await server.kill()
      await server.restart()
    }
    await eventually('all messages', () => messages.received.length >= sent.length)
    await listener.close()
    t.same(
      messages.received.map(({ text }) => text),
      sent,
      'each once, in order',
    )
    t.same((await lookup(server, token)).messages, [])
  })

const CLIENT = `
import { listen } from ${JSON.stringify(pathToFileURL(join(BUILD, 'client', 'index.js')).href)}
const { URL: url, TOKEN: token, HANG } = process.env
listen({
  url,
  token,
  async onMessage({ text }) {
    console.log(text)
    if (text === HANG) await new Promise(() => setTimeout(() => undefined, 1e9))
  },
})
`

await t.test('the client is killed in its handler', async (t) => {
  const server = await startServerProcess(t)
  const { token, tokenId } = await issueToken(server, { app: 'chat', device: 'phone' })
  const file = join(temporaryFolder(t), 'client.mjs')
  writeFileSync(file, CLIENT)
  const env = { URL: `http://127.0.0.1:${server.httpPort}`, TOKEN: token }
  const start = (HANG: string) => startProgram(t, process.execPath, [file], { env: { ...env, HANG } })
  for (const text of ['one', 'two', 'three']) await send(server, { token: tokenId }, text)
  const first = start('two')
  t.same(await first.stdout.nextN(2), ['one', 'two'])
  await first.kill('SIGKILL')
  const second = start('')
  await second.stdout.nextWhere((line) => line === 'three')
  t.ok(second.stdout.received.includes('two'), 'what was not handled to its end comes again')
})
