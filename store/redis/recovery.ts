/**
 * Recovery after Redis may have changed unnoticed. After a gap in the notices, a node checks everything again; if Redis
 * lost data, it also writes back what it knows: secrets, readers, open sessions, and whom to wake.
 */
import { LRUCache } from 'lru-cache'
import type { StoreObserver } from '../contract.ts'
import type { Broadcasts } from './broadcasts.ts'
import type { Events } from './events.ts'
import type { Follows } from './follows.ts'
import type { Listeners } from './listeners.ts'
import type { Readers } from './readers.ts'
import type { RedisSecrets } from './secrets.ts'
import type { NamedSessions } from './named.ts'
import type { Nodes } from './nodes.ts'
import type { OpenSessions } from './open-sessions.ts'
import type { Tokens } from './tokens.ts'
import type { RedisSubscriptionLease } from './subscription-lease.ts'

interface RecoveryOptions {
  readonly events: Events
  readonly broadcasts: Broadcasts
  readonly secrets: RedisSecrets
  readonly follows: Follows
  readonly listeners: Listeners
  readonly readers: Readers
  readonly sessions: OpenSessions
  readonly named: NamedSessions
  readonly tokens: Pick<Tokens, 'closeAgain'>
  readonly nodes: Nodes
  readonly subscriptionLease: Pick<RedisSubscriptionLease, 'lost'>
  readonly observer: StoreObserver | undefined
  /** Pause between two looks at the secrets, and at what could not be closed. */
  readonly lookMs: number
}

/** A life counts one on with each run of Redis, of which a node misses few; above that, it began at a later time. */
const RUNS = 1_000
/** Lanes whose data is remembered: all partitions of a Cluster, and its busiest apps. */
const LANES = 4_096

export class Recovery {
  readonly #options: RecoveryOptions
  readonly #lives = new LRUCache<string, number>({ max: LANES })
  #running = false
  #again = false
  #isLost = false
  /** Redis was restarted, failed over or emptied since the sessions were looked at. */
  #isChanged = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), this.#options.lookMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#again = false
  }

  /** Wakes may have been lost. */
  gap(): void {
    this.#again = true
    this.#run()
  }

  /** The data that a lane met: the same as before, what a restart or failover left of it, or other data. */
  met(journal: string, life: number): void {
    const known = this.#lives.get(journal)
    if (known === life) return
    if (life > 0) this.#lives.set(journal, life)
    else this.#lives.delete(journal)
    if (known === undefined) return
    const isOther = life < known || life > known + RUNS
    if (isOther && !this.#isLost) this.#options.observer?.lost?.()
    this.#isLost ||= isOther
    this.#options.subscriptionLease.lost()
    this.#isChanged = true
    this.gap()
  }

  #tick(): void {
    if (this.#again) this.#run()
    // Redis is away, which everybody hears from their own calls; the next tick looks again.
    else this.#look().catch(() => undefined)
  }

  async #look(): Promise<void> {
    const { secrets, named, tokens } = this.#options
    await secrets.keep()
    await Promise.all([named.closeAgain(), tokens.closeAgain()])
  }

  #run(): void {
    if (this.#running || !this.#again) return
    this.#running = true
    this.#passes().then(
      () => {
        this.#running = false
        this.#isLost = false
        this.#run()
      },
      () => {
        // Redis went away again: its return is the next gap, or else the next tick goes on.
        this.#running = false
        this.#again = true
      },
    )
  }

  /** What comes meanwhile makes another pass: a Cluster tells of its partitions one by one, many of them in a pass. */
  async #passes(): Promise<void> {
    while (this.#again) {
      this.#again = false
      await this.#pass()
    }
  }

  async #pass(): Promise<void> {
    const { events, broadcasts, secrets, follows, listeners, readers, sessions, named, nodes } = this.#options
    broadcasts.forget()
    events.resync()
    await secrets.keep()
    // Before anything that it holds is given back: others would take it for dead.
    await nodes.beat()
    const isChanged = this.#isChanged
    this.#isChanged = false
    try {
      if (isChanged) await readers.putBack()
      await sessions.check(isChanged)
      await named.check(isChanged)
    } catch (error) {
      this.#isChanged ||= isChanged
      throw error
    }
    await follows.renew()
    await listeners.renew()
  }
}
