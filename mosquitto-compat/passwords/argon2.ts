/**
 * Argon2id without blocking the event loop: with Node if it has it (24.7 and later), otherwise with WebAssembly in a
 * thread that starts on demand and ends after it has been idle for a while.
 */
import * as crypto from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { Argon2Answer, Argon2Task } from './argon2-thread.ts'
import type { Argon2, Argon2Parameters } from './hashes.ts'

interface NativeParameters {
  readonly message: Uint8Array
  readonly nonce: Uint8Array
  readonly parallelism: number
  readonly tagLength: number
  readonly memory: number
  readonly passes: number
}

/** Newer than the types of Node 20. */
interface MaybeNative {
  argon2?(
    algorithm: 'argon2id',
    parameters: NativeParameters,
    callback: (error: Error | null, hash: Buffer) => void,
  ): void
}

/** A thread of its own costs some 10 MiB, and what Argon2 took as memory is given back when it ends. */
const IDLE_MS = 10_000

export function argon2Here(): Argon2 {
  const native: object & MaybeNative = { ...crypto }
  return native.argon2 === undefined ? new ThreadArgon2() : nativeArgon2(native.argon2)
}

function nativeArgon2(argon2: NonNullable<MaybeNative['argon2']>): Argon2 {
  return {
    hash(message, nonce, tagLength, { memoryKiB, passes, lanes }) {
      const parameters = { message, nonce, tagLength, parallelism: lanes, memory: memoryKiB, passes }
      return new Promise((resolve, reject) => {
        argon2('argon2id', parameters, (error, hash) => (error === null ? resolve(hash) : reject(error)))
      })
    },
  }
}

interface Waiting {
  readonly answer: (hash: Uint8Array) => void
  readonly fail: (error: Error) => void
}

export class ThreadArgon2 implements Argon2 {
  readonly #waiting = new Map<number, Waiting>()
  #last = 0
  #thread: Worker | undefined
  #idle: NodeJS.Timeout | undefined

  hash(password: Uint8Array, salt: Uint8Array, length: number, parameters: Argon2Parameters): Promise<Uint8Array> {
    return new Promise((answer, fail) => {
      clearTimeout(this.#idle)
      // Where there is no thread, this throws, and nobody waits.
      const thread = this.#started()
      const id = ++this.#last
      this.#waiting.set(id, { answer, fail })
      const { memoryKiB, passes, lanes } = parameters
      const task: Argon2Task = { id, password, salt, length, memoryKiB, passes, lanes }
      thread.ref()
      thread.postMessage(task)
    })
  }

  #started(): Worker {
    if (this.#thread !== undefined) return this.#thread
    const thread = new Worker(new URL('argon2-thread.js', import.meta.url), { env: {}, execArgv: [], stderr: false })
    this.#thread = thread
    thread.on('message', (answer: Argon2Answer) => this.#answered(answer))
    thread.on('error', (error) => this.#ended(thread, error))
    thread.on('exit', () => this.#ended(thread, new Error('the thread for Argon2 has ended')))
    return thread
  }

  #answered({ id, hash, error }: Argon2Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (hash === undefined) waiting?.fail(new Error(`Argon2: ${error}`))
    else waiting?.answer(hash)
    if (this.#waiting.size > 0) return
    // Nobody waits: it keeps no process alive.
    this.#thread?.unref()
    this.#idle = setTimeout(() => this.#rest(), IDLE_MS).unref()
  }

  #rest(): void {
    const thread = this.#thread
    this.#thread = undefined
    thread?.terminate().catch(() => undefined)
  }

  /** Who waited for it fails, and the next one starts another. */
  #ended(thread: Worker, error: Error): void {
    if (this.#thread !== thread) return
    this.#thread = undefined
    const failed = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { fail } of failed) fail(error)
  }
}
