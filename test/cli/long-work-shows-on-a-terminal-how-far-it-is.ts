// Does an export or import write over one line on a terminal while it works, and leave only what is to stay?
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import {
  eventually,
  issueToken,
  MAIN,
  runProgram,
  send,
  startServer,
  temporaryFolder,
  within,
} from '../support/index.ts'
import { NO_TERMINAL, onTerminal, quoted } from '../support/terminal.ts'

const OVER = '\r\u001b[K'

await t.test('on a terminal', { skip: NO_TERMINAL }, async (t) => {
  const server = await startServer(t)
  const { tokenId } = await issueToken(server, { app: 'chat', device: 'phone', account: 'ann' })
  await send(server, { token: tokenId }, 'hello')
  await server.stop()
  const cwd = temporaryFolder(t, 'terminal')
  const aedesPush = quoted([process.execPath, MAIN])

  const exported = onTerminal(t, `${aedesPush} export --json --data-dir '${server.dataDir}' > push.jsonl`, { cwd })
  t.match(await within('the export', exported.exited), { code: 0 })
  const said = exported.stdout.received.map((line) => line.replace(/^.*\u001b\[K/, '').trimEnd())
  t.match(said[0], /^aedes-push: exporting /)
  t.match(said.at(-2), /^aedes-push: exported \d+ tokens, 1 private messages/)
  t.match(JSON.parse(said.at(-1) ?? ''), { tokens: 1, messages: 1 })

  // It reads from a pipe that has not ended: it is at work until then.
  await runProgram(t, 'mkfifo', ['pipe'], { cwd })
  const pipe = openSync(join(cwd, 'pipe'), 'r+')
  const imported = onTerminal(t, `${aedesPush} import --data-dir '${join(cwd, 'other')}' < pipe`, { cwd })
  let text = ''
  imported.child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()))
  const [head = '', ...rest] = readFileSync(join(cwd, 'push.jsonl'), 'utf8').split('\n')
  writeSync(pipe, `${head}\n`)
  await eventually('progress', () => text.split(OVER).length > 3)
  t.match(text, /\r\u001b\[Kso far 0 tokens, [^\r\n]*\r\u001b\[Kso far 0 tokens, /, 'one line, written over')
  writeSync(pipe, rest.join('\n'))
  closeSync(pipe)
  t.match(await within('the import', imported.exited), { code: 0 })
  t.ok(existsSync(join(cwd, 'other')))
  t.match(
    imported.stdout.received.at(-1)?.trimEnd(),
    /^(.*\u001b\[K)?aedes-push: imported 1 tokens, 1 private messages/,
  )
})
