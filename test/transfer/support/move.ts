/** The commands `export` and `import`, as an operator runs them. */
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { type Ended, runCommand, type Scope, temporaryFolder } from '../../support/index.ts'

export type Settings = Record<string, string>

/** Runs a command with a file as its input or output. */
export async function runWith(
  t: Scope,
  command: 'export' | 'import',
  file: string,
  settings: Settings,
): Promise<Ended> {
  if (command === 'import') return await runCommand(t, [command], settings, { stdin: createReadStream(file) })
  const stdout = createWriteStream(file, { mode: 0o600 })
  const ended = await runCommand(t, [command], settings, { stdout })
  stdout.end()
  await finished(stdout)
  return ended
}

/** Everything of one place to another; gives the file. Fails with what the commands said. */
export async function move(t: Scope, from: Settings, to: Settings): Promise<string> {
  const file = join(temporaryFolder(t, 'export'), 'export.jsonl')
  for (const [command, settings] of [
    ['export', from],
    ['import', to],
  ] as const) {
    const { code, errors } = await runWith(t, command, file, settings)
    if (code !== 0) throw new Error(`${command} ended with ${code}\n${errors}`)
  }
  return file
}

export function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}
