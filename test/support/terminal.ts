/** A pseudo-terminal, which script(1) makes. */
import { delimiter, join } from 'node:path'
import { existsSync } from 'node:fs'
import { type Program, startProgram } from './programs.ts'
import type { Scope } from './scope.ts'

const HAS_SCRIPT = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'script')))

/** For `skip` of a test. */
export const NO_TERMINAL = HAS_SCRIPT
  ? false
  : 'script(1) makes the terminal, and is not here; Debian has it in bsdutils'

/** What it writes, to either stream, is in the standard output of the program. */
export function onTerminal(
  t: Scope,
  line: string,
  options: { readonly cwd: string; readonly env?: Record<string, string> },
): Program {
  return startProgram(t, 'script', ['-qefc', line, '/dev/null'], { ...options, ownGroup: true })
}

export const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ')
