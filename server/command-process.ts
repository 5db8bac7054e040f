/** The process as a command sees it. */
import type { Readable, Writable } from 'node:stream'
import type { Ending } from './ending.ts'
import type { Unhandled } from './last-resort.ts'
import type { StandardError } from './logs.ts'
import type { Privileges } from './mosquitto/privileges.ts'

export interface Invocation {
  /** After the name of the program. */
  readonly argv: readonly string[]
  /** The file that was started. */
  readonly program?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly ending: Ending
  readonly process: CommandProcess
}

/** What a command has of its process. */
export interface CommandProcess extends Unhandled, Privileges {
  readonly pid: number
  readonly stdin: Readable
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: StandardError
  umask(mask: number): unknown
  once(event: 'exit', listener: () => void): unknown
}
