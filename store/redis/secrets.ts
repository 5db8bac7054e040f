/**
 * The secrets shared by all nodes. Redis may lose them, and a node that starts then would generate others. So every
 * node keeps the secrets it uses in memory, and writes them back when they are gone.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { StoreObserver } from '../contract.ts'
import type { Client } from './connection.ts'
import { packAsking } from './events.ts'
import { secretKey } from './keys.ts'
import { classify, unavailable } from './script.ts'

interface RedisSecretsOptions {
  readonly client: Client
  readonly prefix: string
  /** The channel that every node listens to. */
  readonly everyNode: string
  readonly observer: StoreObserver | undefined
  /** A connection may be lost while a program starts: it retries for this long. */
  readonly openMs: number
}

/** Nodes that have the secrets answer within a turn or two, unless they have much to do. Waited for once, at a start. */
const ANSWERED_MS = 2_000
const LOOK_MS = 25
const RETRY_MS = 100

export class RedisSecrets {
  readonly #options: RedisSecretsOptions
  /** Those that this node uses, as it first had them. */
  readonly #used = new Map<string, string>()
  readonly #differing = new Set<string>()
  /** Redis once had a secret, so a missing one was lost and is not new. */
  #found = false

  constructor(options: RedisSecretsOptions) {
    this.#options = options
  }

  async secret(name: string, create: () => string): Promise<string> {
    const end = performance.now() + this.#options.openMs
    // What `create` throws is for the caller.
    let hasThrown = false
    const make = (): string => {
      hasThrown = true
      const made = create()
      hasThrown = false
      return made
    }
    for (;;) {
      try {
        return await this.#secret(name, make)
      } catch (error) {
        if (hasThrown || classify(error) !== 'again' || performance.now() >= end)
          throw unavailable('the secret could not be read or kept', error)
      }
      await pause(RETRY_MS)
    }
  }

  async #secret(name: string, create: () => string): Promise<string> {
    const stored = await this.#read(name)
    const secret = stored ?? (await this.#write(name, (await this.#lost(name)) ?? create()))
    if (secret === undefined) throw unavailable('the secret was removed while it was read')
    if (!this.#used.has(name)) this.#used.set(name, secret)
    return secret
  }

  /** Writes those that are gone again, and looks whether this node and Redis have the same. */
  async keep(): Promise<void> {
    const { client, prefix } = this.#options
    const stored = new Map<string, string | undefined>()
    for (const name of this.#used.keys()) stored.set(name, await this.#read(name))
    const gone = [...this.#used].filter(([name]) => stored.get(name) === undefined)
    if (gone.length > 0) {
      // All in one step: a node that finds one of them assumes that missing ones do not exist.
      const writing = client.multi()
      for (const [name, secret] of gone) writing.set(secretKey(prefix, name), secret, 'NX')
      await writing.exec()
      for (const [name] of gone) stored.set(name, await this.#read(name))
    }
    for (const [name, secret] of this.#used) {
      const there = stored.get(name)
      if (there === undefined || there === secret) this.#differing.delete(name)
      else if (!this.#differing.has(name)) {
        this.#differing.add(name)
        this.#options.observer?.secretDiffers?.(name)
      }
    }
  }

  get warnings(): readonly string[] {
    return [...this.#differing].map(
      (name) =>
        `This node uses another ${name} than the one in Redis, so that it and other nodes refuse each other's tokens or keys: restart it.`,
    )
  }

  async #read(name: string): Promise<string | undefined> {
    const stored = await this.#options.client.get(secretKey(this.#options.prefix, name))
    if (stored !== null) this.#found = true
    return stored ?? undefined
  }

  /** Returns what is there now: the first one counts. */
  async #write(name: string, secret: string): Promise<string | undefined> {
    await this.#options.client.set(secretKey(this.#options.prefix, name), secret, 'NX')
    return await this.#read(name)
  }

  /** What Redis lost and this node or another one still has. An empty Redis may be one that was emptied. */
  async #lost(name: string): Promise<string | undefined> {
    const used = this.#used.get(name)
    if (used !== undefined || this.#found) return used
    const { client, everyNode } = this.#options
    const hearers = await client.publish(everyNode, packAsking())
    // Of a Cluster, only those at one of its servers are counted.
    const others = client.isCluster || hearers > 1
    const end = performance.now() + ANSWERED_MS
    while (others && performance.now() < end) {
      await pause(LOOK_MS)
      const answered = await this.#read(name)
      if (answered !== undefined) return answered
    }
    this.#found = true
    return undefined
  }
}
