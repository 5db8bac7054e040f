/** The commands `export` and `import`, as an operator runs them. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bareCommand } from '../../support/programs.ts'
import { MAIN, temporaryFolder } from '../../support/index.ts'
import type { Scope } from '../../support/scope.ts'

export type Settings = Record<string, string>

export interface Ended {
  readonly code: number | null
  readonly errors: string
}

/** Runs a command with a file as its input or output. */
export function runWith(command: 'export' | 'import', file: string, settings: Settings): Promise<Ended> {
  const descriptor = openSync(file, command === 'export' ? 'w' : 'r', 0o600)
  const child = spawn('env', bareCommand(settings, process.execPath, [MAIN, command]), {
    stdio: command === 'export' ? ['ignore', descriptor, 'pipe'] : [descriptor, 'ignore', 'pipe'],
  })
  closeSync(descriptor)
  let errors = ''
  child.stderr?.on('data', (data: Buffer) => (errors += data.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, errors }))
  })
}

/** Everything of one place to another; gives the file. Fails with what the commands said. */
export async function move(t: Scope, from: Settings, to: Settings): Promise<string> {
  const file = join(temporaryFolder(t, 'export'), 'export.jsonl')
  for (const [command, settings] of [
    ['export', from],
    ['import', to],
  ] as const) {
    const { code, errors } = await runWith(command, file, settings)
    if (code !== 0) throw new Error(`${command} ended with ${code}\n${errors}`)
  }
  return file
}

export function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}
