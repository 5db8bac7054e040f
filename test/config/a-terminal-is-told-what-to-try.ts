// On a terminal, does the server say where the key is, its URLs and what to try, do those lines run, and does it say no more on a pipe?
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { eventually, MAIN, type Program, runProgram, startProgram, temporaryFolder } from '../support/index.ts'
import { NO_TERMINAL, onTerminal, quoted } from '../support/terminal.ts'

/** What the server says there until the last command; log lines apart. */
async function welcomeOf(program: Program): Promise<{ readonly pid: number; readonly lines: readonly string[] }> {
  const all: string[] = []
  while (!all.at(-1)?.includes(' send ')) all.push((await program.stdout.next()).trimEnd())
  const pid = Number(readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8'))
  return { pid, lines: all.filter((line) => !line.startsWith('{')) }
}

t.test('a terminal', { skip: NO_TERMINAL }, async (t) => {
  const cwd = temporaryFolder(t, 'home')
  const dataDir = join(temporaryFolder(t, 'my data'), 'push')
  const server = [process.execPath, MAIN, '--mqtt-port', '0', '--http-port', '0', '--data-dir', dataDir]
  const terminal = onTerminal(t, `exec ${quoted(server)}`, { cwd })
  const { pid, lines: said } = await welcomeOf(terminal)
  // It is in a session of its own, and does not end with its terminal.
  t.teardown(() => terminal.running && process.kill(pid, 'SIGKILL'))
  const [ready = '', ...lines] = said
  const [, mqtt, http] = /^ready mqtt=(\d+) http=(\d+)$/.exec(ready) ?? []
  const text = lines.join('\n')
  for (const part of [join(dataDir, 'provider.key'), `http://127.0.0.1:${http}/console`, `mqtt://127.0.0.1:${mqtt}`])
    t.match(text, part)
  t.notMatch(text, readFileSync(join(dataDir, 'provider.key'), 'utf8').trim(), 'never the key itself')

  const commands = lines.filter((line) => / (token issue|listen|send) /.test(line))
  t.equal(commands.length, 3)
  const [issue = '', listen = '', send = ''] = commands
  await runProgram(t, 'bash', ['-c', issue], { cwd })
  t.ok(existsSync(join(cwd, 'token.txt')))
  const device = startProgram(t, 'bash', ['-c', `exec ${listen.trim().replace(/ &$/, '')}`], { cwd })
  await eventually('that it listens', () => device.stderr.length > 0 || undefined)
  await runProgram(t, 'bash', ['-c', send], { cwd })
  t.match(await device.stdout.next(), 'Hello, Ann')
  await device.kill('SIGINT')
  process.kill(pid, 'SIGTERM')
  t.match(await terminal.exited, { code: 0 })
})

t.test('a pipe', async (t) => {
  const args = [MAIN, '--mqtt-port', '0', '--http-port', '0', '--data-dir', temporaryFolder(t, 'data')]
  const server = startProgram(t, process.execPath, args)
  await server.stdout.next()
  await server.kill('SIGTERM')
  t.match(server.stdout.received, [/^ready mqtt=\d+ http=\d+$/])
  t.equal(server.stdout.received.length, 1)
})
