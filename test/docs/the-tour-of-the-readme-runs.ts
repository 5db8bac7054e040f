// Does every line of the README's tour run as it stands there, and show what it promises?
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { eventually, lookup as lookUp, startProgram, startServer, temporaryFolder, ROOT } from '../support/index.ts'

const README = join(ROOT, 'README.md')

/** The commands of the tour, in the groups that its comments make. */
function tour(): string[] {
  const [, block = ''] =
    /## The first message in a minute[\s\S]*?```sh\n([\s\S]*?)```/.exec(readFileSync(README, 'utf8')) ?? []
  return block.split(/\n\n(?=#)/)
}

await t.test('group by group, as a person would', async (t) => {
  const server = await startServer(t)
  const folder = temporaryFolder(t, 'tour')
  mkdirSync(folder, { recursive: true })
  symlinkSync(server.dataDir, join(folder, 'data'))
  const shell = startProgram(t, 'bash', ['-eu'], { cwd: folder, stdin: 'pipe' })
  const type = (commands: string) =>
    shell.child.stdin?.write(
      `${commands.replaceAll('localhost:8080', `127.0.0.1:${server.httpPort}`).replaceAll('-p 1883', `-p ${server.mqttPort}`)}\necho\n`,
    )
  const until = async (text: string) => t.match(await shell.stdout.nextWhere((line) => line.includes(text)), text)

  const [key, token, device, provider, away, lookup, follow, ...rest] = tour()
  t.same(rest, [], 'there are as many groups as are run here')
  type(key ?? '')
  type(token ?? '')
  const line = await shell.stdout.nextWhere((each) => each.includes('"tokenId"'))
  const issued = JSON.parse(line) as { token: string }
  type(device ?? '')
  type(provider ?? '')
  await until(' hello')
  await until('{"headline":"to all of you"}')
  // A person is slower than the acknowledgements; the next group ends the client at once.
  await eventually('both are acknowledged', async () => (await lookUp(server, issued.token)).messages.length === 0)
  type(away ?? '')
  await until(' while you were away')
  type(lookup ?? '')
  // What the client acknowledged before it ended is its own affair: the answer has its shape either way.
  await until('"messages":[')
  type(follow ?? '')
  const followed = await shell.stdout.nextWhere((each) => each.includes('"id":"offer-1"'))
  for (const part of ['"state":"pending"', '"state":"recalled","mayHaveBeenSeen":false', '"type":"message.recalled"'])
    t.match(followed, part)
  shell.child.stdin?.end()
  t.equal((await shell.exited).code, 0, 'no command failed')
})
