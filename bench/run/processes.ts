/** The processes under test, and what the kernel says of them. None outlives the benchmark. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'

/** Debian keeps servers where a path of a user does not look. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
/** USER_HZ, which Linux fixes at 100 for everybody who reads /proc. */
const TICK_US = 10_000
const STOP_MS = 20_000

export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}

interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd: string
}

export class Child {
  readonly pid: number
  readonly #name: string
  readonly #process: ChildProcess
  readonly #said: string[] = []
  readonly #ended: Promise<void>
  #listener: (line: string) => void = () => undefined

  constructor(command: string, args: readonly string[], { env = {}, cwd }: ChildOptions) {
    this.#name = command
    const child = spawn(command, args, {
      cwd,
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    this.pid = child.pid ?? 0
    const killNow = (): void => void child.kill('SIGKILL')
    // Before anybody removes the folder that it writes to.
    process.prependOnceListener('exit', killNow)
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#said.push(line)
        if (this.#said.length > 50) this.#said.shift()
        this.#listener(line)
      })
    }
    this.#ended = new Promise((resolve) => {
      const ended = (): void => {
        process.off('exit', killNow)
        resolve()
      }
      child.once('close', ended)
      child.once('error', ended)
    })
  }

  /** The first line of its output, said already or still to come, that fits. */
  async line(fits: RegExp): Promise<string> {
    const said = this.#said.find((line) => fits.test(line))
    if (said !== undefined) return said
    const line = new Promise<string>((resolve) => {
      this.#listener = (text) => {
        if (fits.test(text)) resolve(text)
      }
    })
    const first = await Promise.race([line, this.#ended])
    if (first === undefined) throw new Error(`${this.#name} ended: ${this.#said.slice(-5).join(' / ')}`)
    return first
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** The last lines that it said. */
  get lastWords(): string {
    return this.#said.slice(-5).join(' / ')
  }

  /** SIGKILL, with all that it started. */
  async kill(): Promise<void> {
    for (const pid of family([this.pid])) process.kill(pid, 'SIGKILL')
    await this.#ended
  }

  /** SIGTERM; SIGKILL when that does not help. */
  async stop(): Promise<void> {
    if (this.running) this.#process.kill('SIGTERM')
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
    await this.#ended
    clearTimeout(timer)
  }
}

/** What this process started. */
export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children
    .split(/\s+/)
    .filter((text) => text !== '')
    .map(Number)
}

/** These processes and all that they started. */
function family(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => [pid, ...family(childrenOf(pid))])
}

/** User and system time so far, of all of them together, microseconds. */
export function cpuOf(pids: readonly number[]): number {
  return family(pids).reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_US
  }, 0)
}

/** For a server that runs in Node, see `collectGarbage`. */
export const NODE_FLAGS: readonly string[] = [
  '--expose-gc',
  '--import',
  fileURLToPath(new URL('../servers/collecting.js', import.meta.url)),
]

/** All of it, of those that run in Node; to others, the signal means nothing. */
export function collectGarbage(pids: readonly number[]): void {
  for (const pid of family(pids)) process.kill(pid, 'SIGWINCH')
}

/** Resident memory of all of them together, bytes. */
export function residentOf(pids: readonly number[]): number {
  return family(pids).reduce((sum, pid) => {
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return sum + Number(kilobytes) * 1024
  }, 0)
}
