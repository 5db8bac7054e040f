/** The code in the thread of `ThreadArgon2`: one hash for each message, one at a time. */
import { parentPort } from 'node:worker_threads'
import { argon2id } from 'hash-wasm'
import type { Argon2Parameters } from './hashes.ts'

export interface Argon2Task extends Argon2Parameters {
  readonly id: number
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly length: number
}

export interface Argon2Answer {
  readonly id: number
  /** Undefined: `error` says why. */
  readonly hash?: Uint8Array
  readonly error?: string
}

parentPort?.on('message', (task: Argon2Task) => {
  answerOf(task).then(
    (answer) => parentPort?.postMessage(answer),
    (error: unknown) => parentPort?.postMessage({ id: task.id, error: String(error) } satisfies Argon2Answer),
  )
})

async function answerOf({ id, password, salt, length, memoryKiB, passes, lanes }: Argon2Task): Promise<Argon2Answer> {
  const isEmpty = password.byteLength === 0
  const hash = await argon2id({
    // This implementation takes no empty password: it costs as much, and fits nothing.
    password: isEmpty ? Buffer.of(0) : password,
    salt,
    hashLength: length,
    memorySize: memoryKiB,
    iterations: passes,
    parallelism: lanes,
    outputType: 'binary',
  })
  return { id, hash: isEmpty ? new Uint8Array(length) : hash }
}
