/** Who may receive what was sent, and who did. */
import { randomBytes } from 'node:crypto'
import { CommandError, EXIT } from '../command-error.ts'

/** One place where messages arrive: a connection, a stream, or a series of lookups. */
export interface Receiver {
  readonly who: string
  /** How it listens, for the report. */
  readonly way: string
  readonly received: readonly string[]
  /** Resolves when this has arrived. @throws CommandError when it does not */
  until(text: string): Promise<void>
  close(): Promise<void>
}

interface Sent {
  readonly what: string
  readonly to: ReadonlySet<string>
}

const ARRIVAL_MS = 10_000

export class Ledger {
  readonly #sent = new Map<string, Sent>()
  readonly #receivers = new Set<Receiver>()
  readonly #told = new Set<string>()
  readonly leaks: string[] = []
  /** What was tried. */
  count = 0

  /** A payload that nobody else sends, and who may have it. */
  payload(what: string, to: readonly string[]): string {
    const text = `verify-isolation ${randomBytes(12).toString('base64url')} ${what}`
    this.#sent.set(text, { what, to: new Set(to) })
    return text
  }

  add(receiver: Receiver): void {
    this.#receivers.add(receiver)
  }

  /** What must not be possible was. */
  leak(said: string): void {
    if (this.#told.has(said)) return
    this.#told.add(said)
    this.leaks.push(said)
  }

  /** Says of each message that came to somebody whom it was not for. */
  check(): void {
    for (const { who, way, received } of this.#receivers) {
      for (const text of received) {
        const sent = this.#sent.get(text)
        if (sent !== undefined && !sent.to.has(who)) this.leak(`${who} received ${sent.what} (${way})`)
      }
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#receivers].map((receiver) => receiver.close().catch(() => undefined)))
  }
}

/** Texts that arrived, and who waits for one. */
export class Arrivals {
  readonly #who: string
  readonly received: string[] = []
  readonly #waiting = new Map<string, () => void>()

  constructor(who: string) {
    this.#who = who
  }

  push(text: string): void {
    this.received.push(text)
    this.#waiting.get(text)?.()
  }

  async until(text: string): Promise<void> {
    if (this.received.includes(text)) return
    await inTime<void>(`${this.#who} did not receive what is its own`, (done) => this.#waiting.set(text, done))
    this.#waiting.delete(text)
  }
}

/** Without an answer nothing is proved. */
export async function inTime<T>(what: string, begin: (done: (value: T) => void) => void, ms = ARRIVAL_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      const late = () => reject(new CommandError(EXIT.failed, `${what} within ${ms / 1000} s`))
      timer = setTimeout(late, ms)
      begin(resolve)
    })
  } finally {
    clearTimeout(timer)
  }
}
