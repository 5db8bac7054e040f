/** Mosquitto's own command-line clients, as a team that knows them would use them. */
import { type ProgramOptions, type Program, runProgram, startProgram } from './programs.ts'
import type { Scope } from './scope.ts'
import { ArrivalQueue, within } from './waiting.ts'

export interface MosquittoTarget {
  readonly host?: string
  readonly mqttPort: number
}

/** A message as `mosquitto_sub -F %j` prints it. */
export interface MosquittoMessage {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly retain: number
  readonly mid?: number
  readonly properties?: Record<string, unknown>
}

export interface MosquittoSub {
  readonly program: Program
  readonly messages: ArrivalQueue<MosquittoMessage>
  /** What `-d` says of the packets. */
  readonly debug: readonly string[]
  /** The codes of the SUBACK. */
  readonly granted: readonly number[]
  next(): Promise<MosquittoMessage>
  nextN(count: number): Promise<MosquittoMessage[]>
  stop(): Promise<void>
}

/**
 * Starts `mosquitto_sub` with these arguments besides host, port and format, and awaits its SUBACK. Fails with what it
 * said when it ends before (refused, or every subscription denied).
 */
export async function mosquittoSub(t: Scope, target: MosquittoTarget, ...args: string[]): Promise<MosquittoSub> {
  // Its output is buffered by block when it is not a terminal; stdbuf makes it a line at a time.
  const all = ['-oL', 'mosquitto_sub', ...addressOf(target), '-d', '-F', '%j', ...args]
  const program = startProgram(t, 'stdbuf', all)
  const messages = new ArrivalQueue<MosquittoMessage>('a message on mosquitto_sub')
  const debug: string[] = []
  const granted: number[] = []
  const subscribed = new Promise<void>((resolve, reject) => {
    const failed = () => reject(new Error(`mosquitto_sub ended\n${[...debug, ...program.stderr].join('\n')}`))
    program.exited.then(failed, reject)
    void readLines()

    async function readLines(): Promise<void> {
      try {
        for (;;) {
          const line = await program.stdout.next(2 ** 31 - 1)
          if (line.startsWith('{')) messages.push(JSON.parse(line))
          else debug.push(line)
          const suback = /^Subscribed \(mid: \d+\): (.*)$/.exec(line)
          if (suback?.[1] === undefined) continue
          granted.push(...suback[1].split(', ').map(Number))
          // With nothing granted it says so and ends, which is the failure.
          if (granted.some((code) => code < 0x80)) resolve()
        }
      } catch {
        messages.end(new Error(`mosquitto_sub ended\n${program.stderr.join('\n')}`))
      }
    }
  })
  await within('the SUBACK of mosquitto_sub', subscribed)
  return {
    program,
    messages,
    debug,
    granted,
    next: () => messages.next(),
    nextN: (count) => messages.nextN(count),
    async stop() {
      await program.kill('SIGTERM')
    },
  }
}

/** Runs `mosquitto_pub` to its end; fails with what it said when it fails. `-q 1` makes it await the PUBACK. */
export function mosquittoPub(t: Scope, target: MosquittoTarget, ...args: string[]): Promise<string> {
  return runProgram(t, 'mosquitto_pub', [...addressOf(target), ...args])
}

/** Runs any of Mosquitto's clients to its end. */
export function mosquittoRun(
  t: Scope,
  program: 'mosquitto_sub' | 'mosquitto_pub' | 'mosquitto_rr',
  target: MosquittoTarget,
  args: readonly string[],
  options: ProgramOptions & { readonly input?: string } = {},
): Promise<string> {
  return runProgram(t, program, [...addressOf(target), ...args], options)
}

function addressOf(target: MosquittoTarget): string[] {
  return ['-h', target.host ?? '127.0.0.1', '-p', String(target.mqttPort)]
}
