/** The log as a mosquitto.conf configures it: types of lines, destinations and timestamps. */
import { close, openSync, write, writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import type { Logger } from 'pino'
import type { LogConf, LogType } from '../../mosquitto-compat/index.ts'
import { createLogger, LogDestination, type LogWriter, standardError, type StandardError } from '../logs.ts'
import { describeError } from '../../common/unexpected.ts'
import { gateLine } from './connection-lines.ts'
import { strftime } from './strftime.ts'

interface LogOptions {
  readonly stderr: StandardError
  readonly stdout: Writable & { readonly fd?: number }
  /** Bytes that wait for each of them, at most. */
  readonly maximumBytes: number
  /** Lines with the same message in a minute, of what is no line of Mosquitto's. */
  readonly linesPerMinute: number
  readonly now: () => number
  readonly monotonic: () => number
}

/** Until the file is read. */
const FIRST: LogConf = {
  stdout: false,
  stderr: true,
  file: undefined,
  types: new Set<LogType>(['error', 'warning', 'notice', 'information']),
  timestamp: true,
  timestampFormat: undefined,
  connectionMessages: true,
}

export class MosquittoLog {
  readonly logger: Logger
  readonly #options: LogOptions
  readonly #stderr: LogDestination
  readonly #stdout: LogDestination
  #file: LogFile | undefined
  #conf = FIRST

  constructor(options: LogOptions) {
    const { stderr, stdout, maximumBytes, linesPerMinute, monotonic } = options
    this.#options = options
    this.#stderr = new LogDestination(standardError(stderr), maximumBytes)
    this.#stdout = new LogDestination(standardError({ on: stdout.on.bind(stdout), fd: stdout.fd ?? 1 }), maximumBytes)
    const destination = { write: (line: string) => this.#ofLogger(line) }
    const serializers = { err: (error: unknown) => describeError(error) }
    this.logger = createLogger({ level: 'debug', linesPerMinute, now: monotonic }, destination, { serializers })
  }

  get connectionMessages(): boolean {
    return this.#conf.connectionMessages
  }

  /** Takes a file anew that has been moved away. */
  set(conf: LogConf): void {
    this.#conf = conf
    this.#file?.close()
    this.#file = undefined
    if (conf.file === undefined) return
    try {
      this.#file = new LogFile(conf.file, this.#options.maximumBytes)
    } catch {
      // As Mosquitto does, so that whoever starts it sees why there is no log.
      this.#conf = { ...conf, stderr: true, types: new Set([...conf.types].filter((type) => type === 'error')) }
      this.write('error', `Error: Unable to open log file ${conf.file} for writing.`)
    }
  }

  write(type: LogType, text: string): void {
    const { types, stdout, stderr, timestamp, timestampFormat } = this.#conf
    if (!types.has(type)) return
    const time = timestamp ? `${this.#time(timestampFormat)}: ` : ''
    // What a client has sent makes no lines of its own.
    const line = `${time}${text.replaceAll(/[\0-\x1f\x7f]/g, '?')}\n`
    if (stderr) this.#stderr.write(line)
    if (stdout) this.#stdout.write(line)
    this.#file?.destination.write(line)
  }

  async flush(timeoutMs: number): Promise<void> {
    const all = [this.#stderr, this.#stdout, ...(this.#file === undefined ? [] : [this.#file.destination])]
    await Promise.all(all.map((each) => each.flush(timeoutMs)))
  }

  flushNow(): void {
    this.#stderr.flushNow()
    this.#stdout.flushNow()
    this.#file?.destination.flushNow()
  }

  /** Hears of lines that nobody will read. */
  watch(lost: (lines: number) => void): void {
    const recovered = (lines: number) => this.write('warning', `Warning: ${lines} lines of log were lost.`)
    for (const each of [this.#stderr, this.#stdout]) each.watch({ lost, recovered })
  }

  #time(format: string | undefined): string {
    const now = this.#options.now()
    return format === undefined ? String(Math.floor(now / 1000)) : strftime(format, new Date(now))
  }

  #ofLogger(json: string): void {
    const { level, msg, time: _time, pid: _pid, hostname: _hostname, ...details } = JSON.parse(json) as LoggedLine
    const known = gateLine(msg, details)
    if (known !== undefined) return this.write('notice', known)
    const type = level >= 50 ? 'error' : level >= 40 ? 'warning' : level >= 30 ? 'information' : 'debug'
    const prefix = level >= 50 ? 'Error: ' : level >= 40 ? 'Warning: ' : ''
    const more = Object.entries(details).map(([name, value]) => ` ${name}=${textOf(value)}`)
    this.write(type, `${prefix}${msg ?? ''}${more.length === 0 ? '' : ':'}${more.join('')}`)
  }
}

interface LoggedLine {
  readonly level: number
  readonly msg?: string
  readonly time?: unknown
  readonly pid?: unknown
  readonly hostname?: unknown
  readonly [detail: string]: unknown
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Closed once what is being written to it is written. What waits for its disk then is lost. */
export class LogFile {
  readonly destination: LogDestination
  readonly #descriptor: number
  #underWay = 0
  #isClosing = false
  /** Another file, or a connection, may have its number now. */
  #isClosed = false

  /** @throws when it cannot be opened */
  constructor(path: string, maximumBytes: number) {
    this.#descriptor = openSync(path, 'a', 0o640)
    const writer: LogWriter = {
      write: (bytes, done) => {
        if (this.#isClosed) return done(null, bytes.byteLength)
        this.#underWay += 1
        write(this.#descriptor, bytes, 0, bytes.byteLength, null, (error, written) => {
          this.#underWay -= 1
          done(error, written)
          this.#closeWhenDone()
        })
      },
      writeSync: (bytes) => (this.#isClosed ? bytes.byteLength : writeSync(this.#descriptor, bytes)),
    }
    this.destination = new LogDestination(writer, maximumBytes)
  }

  close(): void {
    this.#isClosing = true
    this.#closeWhenDone()
  }

  #closeWhenDone(): void {
    if (!this.#isClosing || this.#isClosed || this.#underWay > 0) return
    this.#isClosed = true
    close(this.#descriptor, () => undefined)
  }
}
