/** How far long work is: on a terminal one line that is written over, else a line now and then. */
import { isatty } from 'node:tty'
import type { Writable } from 'node:stream'
import type { StandardError } from '../logs.ts'
import type { Progress } from '../transfer.ts'

const LINE_MS = 5_000
const TERMINAL_MS = 250
/** To the start of the line, and what is on it goes. */
const OVER = '\r\u001b[K'

export function progressTo(
  stderr: StandardError & Partial<Pick<Writable, 'write'>>,
  say: (line: string) => void,
): Progress {
  const isTerminal = isatty(stderr.fd) && stderr.write !== undefined
  return async (tell, work) => {
    const show = () => (isTerminal ? void stderr.write?.(`${OVER}${tell()}`) : say(tell()))
    const timer = setInterval(show, isTerminal ? TERMINAL_MS : LINE_MS)
    try {
      await work()
    } finally {
      clearInterval(timer)
      if (isTerminal) stderr.write?.(OVER)
    }
  }
}
