/**
 * The destination of log lines: standard error, which may be a full disk, or a pipe with a slow or dead reader. Nobody
 * waits for it, and nothing it does ends the process: lines are buffered up to a limit; further ones are lost and
 * counted.
 */
import { write, writeSync } from 'node:fs'
import { pino, type Level, type Logger, type LoggerOptions } from 'pino'
import { AUDIT_MESSAGE } from '../common/audit.ts'

/** The most that one write takes: a pipe takes it whole or not at all, so lines of several processes do not mix. */
const ATOMIC_BYTES = 4096
/** A pipe that is full may have room soon; a disk that is full, later, ms. */
const FULL_PIPE_MS = 10
const BROKEN_MS = 1000
const MINUTE_MS = 60_000

export interface LogWriter {
  /** As `fs.write` does it at the end of the file. */
  write(bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void
  /** As `fs.writeSync`; gives how much it wrote. */
  writeSync(bytes: Buffer): number
}

interface LogWatcher {
  /** Lines that nobody will read. */
  lost(lines: number): void
  /** Lines are written again after some were lost. */
  recovered(lines: number): void
}

export class LogDestination {
  /** Bytes that wait to be written, at most. */
  maximumBytes: number
  readonly #writer: LogWriter
  readonly #waiting: Buffer[] = []
  #waitingBytes = 0
  /** Taken from the waiting lines, and not yet written. */
  #chunk: Buffer | undefined
  #isWriting = false
  #retry: NodeJS.Timeout | undefined
  #watcher: LogWatcher | undefined
  /** Lost, and not yet said. */
  #lost = 0
  /** Lost, and not yet counted. */
  #uncounted = 0
  readonly #empty = new Set<() => void>()

  constructor(writer: LogWriter, maximumBytes: number) {
    this.#writer = writer
    this.maximumBytes = maximumBytes
  }

  /** Hears of what was lost, before this call as well. */
  watch(watcher: LogWatcher): void {
    this.#watcher = watcher
    this.#count(0)
  }

  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#waitingBytes + bytes.byteLength > this.maximumBytes) {
      this.#lost += 1
      this.#count(1)
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.byteLength
    if (this.#retry === undefined) this.#pump()
  }

  /** Resolves when everything is written, or the time is up. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.#isEmpty) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#empty.add(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Writes what it can at once; for the very end. */
  flushNow(): void {
    if (this.#isWriting) return
    try {
      for (let bytes = this.#next(); bytes !== undefined; bytes = this.#next()) {
        this.#chunk = rest(bytes, this.#writer.writeSync(bytes))
      }
    } catch {
      // There is no time to try again, and nobody to tell.
    }
  }

  get #isEmpty(): boolean {
    return this.#chunk === undefined && this.#waiting.length === 0
  }

  #count(lines: number): void {
    this.#uncounted += lines
    if (this.#watcher === undefined || this.#uncounted === 0) return
    this.#watcher.lost(this.#uncounted)
    this.#uncounted = 0
  }

  /** Whole lines that fit into one write, or one longer line. */
  #next(): Buffer | undefined {
    if (this.#chunk !== undefined) return this.#chunk
    let bytes = 0
    let lines = 0
    for (const line of this.#waiting) {
      if (lines > 0 && bytes + line.byteLength > ATOMIC_BYTES) break
      bytes += line.byteLength
      lines += 1
    }
    if (lines === 0) return undefined
    this.#waitingBytes -= bytes
    this.#chunk = Buffer.concat(this.#waiting.splice(0, lines), bytes)
    return this.#chunk
  }

  #pump(): void {
    if (this.#isWriting) return
    const bytes = this.#next()
    if (bytes === undefined) {
      for (const resolve of this.#empty) resolve()
      this.#empty.clear()
      return
    }
    this.#isWriting = true
    this.#writer.write(bytes, (error, written) => {
      this.#isWriting = false
      if (error !== null) return this.#again(error.code === 'EAGAIN' ? FULL_PIPE_MS : BROKEN_MS)
      this.#chunk = rest(bytes, written)
      if (this.#chunk === undefined) this.#recovered()
      this.#pump()
    })
  }

  #again(ms: number): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#pump()
    }, ms).unref()
  }

  #recovered(): void {
    const lost = this.#lost
    if (lost === 0) return
    this.#lost = 0
    this.#watcher?.recovered(lost)
  }
}

function rest(bytes: Buffer, written: number): Buffer | undefined {
  return written < bytes.byteLength ? bytes.subarray(written) : undefined
}

export type StandardError = Pick<NodeJS.WritableStream, 'on'> & { readonly fd: number }

/**
 * Standard error. Asking for `process.stderr` is what lets a full pipe say that it is full, where it would else hold a
 * thread for as long as nobody reads it.
 */
export function standardError(stream: StandardError): LogWriter {
  stream.on('error', () => undefined)
  return {
    write: (bytes, done) => write(stream.fd, bytes, 0, bytes.byteLength, null, done),
    writeSync: (bytes) => writeSync(stream.fd, bytes),
  }
}

interface LoggerSettings {
  readonly level: Level | 'silent'
  /** Log lines a minute with the same message, from `info` to `error`; 0 means no limit. */
  readonly linesPerMinute: number
  /** Milliseconds, monotonic. */
  readonly now: () => number
}

const INFO = 30
const FATAL = 60
const LEFT_OUT = 'lines with one message were left out of the log: there were too many'

/** Strangers cause some of the lines, and must not be able to fill a disk with them. */
export function createLogger(
  { level, linesPerMinute, now }: LoggerSettings,
  destination: Pick<LogDestination, 'write'>,
  options: LoggerOptions = {},
): Logger {
  const repeats = new Repeats(linesPerMinute, now, (repeated, lines) => logger.warn({ repeated, lines }, LEFT_OUT))
  const logger: Logger = pino(
    {
      ...options,
      level,
      hooks: {
        logMethod(args, method, number) {
          const message = typeof args[0] === 'string' ? args[0] : args[1]
          const isBounded = number >= INFO && number < FATAL && message !== LEFT_OUT && message !== AUDIT_MESSAGE
          if (!isBounded || repeats.take(message ?? '')) method.apply(this, args)
        },
      },
    },
    destination,
  )
  return logger
}

/** Counts lines by their message, which is a constant in the code, and reports how many were left out. */
class Repeats {
  readonly #perMinute: number
  readonly #now: () => number
  readonly #leftOut: (message: string, lines: number) => void
  readonly #counts = new Map<string, number>()
  #since: number
  #timer: NodeJS.Timeout | undefined

  constructor(perMinute: number, now: () => number, leftOut: (message: string, lines: number) => void) {
    this.#perMinute = perMinute
    this.#now = now
    this.#leftOut = leftOut
    this.#since = now()
  }

  /** False if the minute has had its lines. */
  take(message: string): boolean {
    if (this.#perMinute === 0) return true
    if (this.#now() - this.#since >= MINUTE_MS) this.#turn()
    const count = (this.#counts.get(message) ?? 0) + 1
    this.#counts.set(message, count)
    if (count <= this.#perMinute) return true
    // Who reads the log is told even when nothing more comes.
    this.#timer ??= setTimeout(() => this.#turn(), MINUTE_MS).unref()
    return false
  }

  #turn(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#since = this.#now()
    const counts = [...this.#counts]
    this.#counts.clear()
    for (const [message, count] of counts) {
      if (count > this.#perMinute) this.#leftOut(message, count - this.#perMinute)
    }
  }
}
