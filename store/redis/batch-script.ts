/**
 * Runs batches in Redis: as a function of a library, which Redis defines once and keeps with its data, or, where it has no
 * functions (Redis before 7) or the user may not use them, as a script, all of which is run with every call.
 */
import { createHash } from 'node:crypto'
import { type Client, servers } from './connection.ts'
import { readScript } from './script.ts'

export interface Batch {
  readonly journal: string
  readonly absent: string
  /** See `lua/begin.lua`. */
  readonly steps: Buffer
  /** The same in each batch of a process. */
  readonly process: Buffer
  /** It may run though Redis is out of memory. */
  readonly needsNoMemory: boolean
}

const KEYS = 2
/** After the name of the function that may run when memory is full. */
const FULL = '_full'
const HASH_LENGTH = 16

/** Each text has a name of its own: nodes of two versions may share a Redis, with other prefixes. */
function libraryOf(text: string): { name: string; code: string } {
  const name = `aedes_push_${createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH)}`
  const register = (suffix: string, flags: string): string =>
    `redis.register_function{ function_name = '${name}${suffix}', callback = run, flags = {${flags}} }`
  const code = [`#!lua name=${name}`, text, register('', ''), register(FULL, `'allow-oom'`)].join('\n')
  return { name, code }
}

export class BatchScript {
  readonly #client: Client
  readonly #library = libraryOf(readScript())
  #hasFunctions = true
  #loading: Promise<boolean> | undefined

  constructor(client: Client) {
    this.#client = client
    // A new connection may lead to another server, or the user may have got the right. A Cluster stays ready while its
    // servers come and go one by one.
    for (const event of ['ready', '+node']) client.on(event, () => (this.#hasFunctions = true))
  }

  async run(batch: Batch): Promise<Buffer> {
    for (let tries = 0; this.#hasFunctions && tries < 2; tries += 1) {
      try {
        return await this.#call(batch)
      } catch (error) {
        if (isMissing(error)) this.#hasFunctions = false
        else if (!isUnknown(error)) throw error
        else if (!(await this.#load())) break
      }
    }
    return await this.#evaluate(batch)
  }

  async #call({ journal, absent, steps, process, needsNoMemory }: Batch): Promise<Buffer> {
    const name = needsNoMemory ? this.#library.name + FULL : this.#library.name
    return asBytes(await this.#client.callBuffer('fcall', name, KEYS, journal, absent, steps, process))
  }

  /** True when the library is on each server. Where it cannot be now, as it needs memory, a script can. */
  #load(): Promise<boolean> {
    this.#loading ??= this.#loadEverywhere().finally(() => (this.#loading = undefined))
    return this.#loading
  }

  async #loadEverywhere(): Promise<boolean> {
    const loads = servers(this.#client).map(async (server) => {
      try {
        await server.function('LOAD', this.#library.code)
        return true
      } catch (error) {
        if (isMissing(error)) this.#hasFunctions = false
        return /already exists/.test(messageOf(error))
      }
    })
    return (await Promise.all(loads)).every(Boolean)
  }

  async #evaluate({ journal, absent, steps, process }: Batch): Promise<Buffer> {
    return await this.#client.pushBatchBuffer(journal, absent, steps, process)
  }
}

function asBytes(answer: unknown): Buffer {
  if (answer instanceof Buffer) return answer
  throw new TypeError('the script answered nothing')
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '')

/** The server has no functions, or the user has no right to them. */
const isMissing = (error: unknown): boolean => /unknown command|NOPERM/i.test(messageOf(error))

const isUnknown = (error: unknown): boolean => /Function not found/i.test(messageOf(error))
