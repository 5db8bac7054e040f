/** The command as people type it: in a shell, by its name. */
import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import {
  type Ended,
  MAIN,
  type Program,
  type Scope,
  startProgram,
  temporaryFolder,
  within,
} from '../../support/index.ts'

export interface Shell {
  readonly folder: string
  /** Of what is typed from now on. */
  readonly env: Record<string, string>
  /** Runs a line until it ends. */
  run(line: string): Promise<Ended>
  /** Starts a line, in a process group of its own. */
  start(line: string): Program
}

export function openShell(t: Scope, env: Record<string, string>): Shell {
  const folder = temporaryFolder(t, 'shell')
  const command = join(folder, 'aedes-push')
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  chmodSync(command, 0o700)
  const whole: Record<string, string> = { ...env, PATH: `${folder}${delimiter}${process.env.PATH ?? ''}` }
  const start = (line: string) =>
    // In place of the shell: what is signalled is the command.
    startProgram(t, 'sh', ['-c', line.includes('|') ? line : `exec ${line}`], {
      env: whole,
      cwd: folder,
      ownGroup: true,
      stdin: 'ignore',
    })
  return {
    folder,
    env: whole,
    start,
    async run(line) {
      const program = start(line)
      const { code } = await within(`the end of ${line}`, program.exited)
      return { code, output: program.stdout.received.join('\n'), errors: program.stderr.join('\n') }
    },
  }
}

/** What a help shows as examples, as it is typed. */
export function examplesIn(help: string): string[] {
  return [...help.matchAll(/^ +\$ (.*)$/gm)].map(([, line = '']) => line)
}
