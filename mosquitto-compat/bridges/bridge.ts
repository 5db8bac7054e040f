/**
 * One bridge while the server runs: it holds its lease, connects, moves messages, and reconnects. While the other
 * broker is unreachable, messages for it wait in the log of its session here.
 */
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lease, Logger } from '../../index.ts'
import type { BridgeOptions } from '../conf/bridge-options.ts'
import { connectOf, otherMode } from './connect-packet.ts'
import { dial } from './dial.ts'
import { Exchange } from './exchange.ts'
import { Link } from './link.ts'
import { type Counting, LocalSide } from './local-side.ts'
import { type Setup, setupOf } from './setup.ts'

export interface BridgeContext {
  /** Serves a connection to this broker, of a user of this name who may do everything. */
  readonly serve: (stream: Duplex, username: string) => void
  readonly lease: Lease
  readonly logger: Logger
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
  readonly random: () => number
}

/** Why a connection ended. */
interface Outcome {
  /** `idle`: it is lazy, and had nothing to do. `moved`: another address, or another configuration. */
  readonly kind: 'lost' | 'idle' | 'moved' | 'stopped'
  readonly why: string
}

interface Links {
  local: Link | undefined
  remote: Link | undefined
}

/** What is next. */
type Next = { readonly waitMs: number } | 'again' | Counting

const STOPPED: Outcome = { kind: 'stopped', why: 'it was stopped' }
const CHANGED: Outcome = { kind: 'moved', why: 'it was configured anew' }

const MOST_RECEIVED = 65_535
/** To the CONNACK, ms. */
const CONNECT_MS = 20_000
/** A message that a broker refuses for now comes again with so many connections, and is given up then. */
const REFUSALS = 10
/** So many that are refused are known. */
const REFUSED = 1_000

export class Bridge {
  readonly #context: BridgeContext
  readonly #stopped = new AbortController()
  readonly #local: LocalSide
  readonly #ended: Promise<void>
  #setup: Setup
  /** Ends the present connection. */
  #leave: ((outcome: Outcome) => void) | undefined
  /** The other broker, this one: it may know packet ids of messages that were others'. */
  #isOutStale = true
  #isInStale = true
  #movedAt = 0
  readonly #refused = new Map<string, number>()
  #said = ''
  readonly #warned = new Set<string>()

  constructor(context: BridgeContext, bridge: BridgeOptions) {
    this.#context = context
    this.#setup = setupOf(bridge, context.random)
    this.#local = new LocalSide(context)
    this.#ended = this.#run()
  }

  /** From the next connection on; that is now, where `bridge_reload_type` says so. */
  change(bridge: BridgeOptions): void {
    if (JSON.stringify(bridge) === JSON.stringify(this.#setup.bridge)) return
    this.#setup = setupOf(bridge, this.#context.random)
    this.#warned.clear()
    this.#local.changed()
    this.#isOutStale = true
    if (bridge.reloadType === 'immediate') this.#leave?.(CHANGED)
  }

  async close(): Promise<void> {
    this.#stopped.abort()
    this.#leave?.(STOPPED)
    await this.#ended
    await this.#context.lease.release()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped
    while (!signal.aborted) {
      try {
        const held = await this.#context.lease.hold(signal)
        await this.#hold(AbortSignal.any([held, signal]))
      } catch (error) {
        if (signal.aborted) return
        this.#say('error', asError(error).message)
        await pause(this.#setup.restart.next(undefined), signal)
      }
    }
  }

  /** While this node has the bridge. */
  async #hold(signal: AbortSignal): Promise<void> {
    const left = () => this.#leave?.({ kind: 'stopped', why: 'another node may have it' })
    signal.addEventListener('abort', left, { once: true })
    while (!signal.aborted) {
      const setup = this.#setup
      const next = await this.#connect(setup, signal)
      if (next === 'again') continue
      if ('enough' in next) await untilEnough(next, signal)
      else if (setup.bridge.startType === 'once') await pause(Infinity, signal)
      else await pause(next.waitMs, signal)
    }
  }

  async #connect(setup: Setup, signal: AbortSignal): Promise<Next> {
    const { monotonic } = this.#context
    const { bridge, restart, addresses } = setup
    const address = addresses.present
    const where = `${address.host}:${address.port}`
    const links: Links = { local: undefined, remote: undefined }
    let since: number | undefined
    try {
      await this.#open(setup, links, signal)
      since = monotonic()
      addresses.connected()
      const { kind, why } = await this.#exchange(setup, links, where)
      this.#say(kind === 'lost' ? 'warn' : 'info', `not connected to ${where} any more: ${why}`)
      // Before it is disconnected, so that none is missed.
      if (kind === 'idle') return await this.#local.count(setup)
      if (kind !== 'lost') return 'again'
      addresses.failed()
      return { waitMs: restart.next(monotonic() - since) }
    } catch (error) {
      if (signal.aborted) return 'again'
      const other = since === undefined ? otherMode(setup.mode, error, bridge) : undefined
      if (other !== undefined) {
        setup.mode = other
        this.#say('warn', `${where}: ${other.why}`)
        return 'again'
      }
      addresses.failed()
      this.#say('warn', `not connected to ${where}: ${asError(error).message}`)
      return { waitMs: restart.next(undefined) }
    } finally {
      this.#leave = undefined
      const hasWill = bridge.notifications && !bridge.notificationsLocalOnly
      await Promise.all([links.local?.end(), links.remote?.end(hasWill)])
    }
  }

  /** Ours before the other broker's: what is published when that answers goes there at once. */
  async #open(setup: Setup, links: Links, signal: AbortSignal): Promise<void> {
    const { bridge, mode, addresses } = setup
    await this.#local.prepare(setup)
    const stream = await dial(addresses.present, bridge, signal)
    try {
      links.local = await this.#local.open(setup, setup.receiveMaximum)
    } catch (error) {
      stream.on('error', () => undefined)
      stream.destroy()
      throw error
    }
    links.remote = await Link.open(stream, {
      connect: connectOf(bridge, mode, this.#local.receiveMaximum),
      level: mode.level,
      bridgeBit: mode.bridgeBit,
      longest: this.#local.longest,
      timeoutMs: CONNECT_MS,
      signal,
      monotonic: this.#context.monotonic,
    })
    // For the next connection; in this one, what is more waits between the two.
    setup.receiveMaximum = links.remote.connack.properties?.receiveMaximum ?? MOST_RECEIVED
  }

  /** Until it is over. */
  async #exchange(setup: Setup, { local, remote }: Links, where: string): Promise<Outcome> {
    if (local === undefined || remote === undefined) throw new Error('it is not connected')
    const { bridge, topics, ids } = setup
    this.#meet(local, remote)
    const exchange = new Exchange({
      bridge,
      topics,
      local,
      remote,
      ids,
      isOutStale: this.#isOutStale,
      isInStale: this.#isInStale,
      warn: (text) => this.#warnOnce(text),
      givesUp: (key) => this.#givesUp(key),
      moved: () => {
        this.#movedAt = this.#context.monotonic()
      },
    })
    const outcome = this.#outcome(setup, exchange.run())
    this.#say('info', `connected to ${where}`)
    const { kind, why } = await outcome
    exchange.gone()
    return { kind, why }
  }

  /** Who knows what of packet ids. */
  #meet(local: Link, remote: Link): void {
    const isNewHere = this.#local.isNew || !local.connack.sessionPresent
    const isNewThere = !remote.connack.sessionPresent
    this.#local.isNew = false
    if (isNewHere) this.#isOutStale = true
    if (isNewThere) this.#isOutStale = false
    if (isNewThere) this.#isInStale = true
    if (isNewHere) this.#isInStale = false
    this.#movedAt = this.#context.monotonic()
  }

  async #outcome(setup: Setup, lost: Promise<Error>): Promise<Outcome> {
    const { bridge, addresses } = setup
    const { monotonic } = this.#context
    const over = new AbortController()
    const left = new Promise<Outcome>((resolve) => {
      this.#leave = resolve
    })
    // What came while it connected.
    if (this.#stopped.signal.aborted) this.#leave?.(STOPPED)
    if (setup !== this.#setup && this.#setup.bridge.reloadType === 'immediate') this.#leave?.(CHANGED)
    if (bridge.startType === 'lazy') {
      const timer = setInterval(() => {
        if (monotonic() - this.#movedAt >= bridge.idleTimeout * 1000)
          this.#leave?.({ kind: 'idle', why: 'it had nothing to do' })
      }, IDLE_LOOK_MS)
      over.signal.addEventListener('abort', () => clearInterval(timer))
    }
    if (addresses.main !== undefined)
      this.#untilMain(addresses.main, bridge, over.signal).then(
        () => {
          addresses.mainFound()
          this.#leave?.({ kind: 'moved', why: 'its first address can be reached again' })
        },
        () => undefined,
      )
    try {
      return await Promise.race([left, lost.then((error) => ({ kind: 'lost', why: error.message }) as const)])
    } finally {
      over.abort()
    }
  }

  /** Resolves when the first address can be reached. */
  async #untilMain(
    { address, everyMs }: NonNullable<Setup['addresses']['main']>,
    bridge: BridgeOptions,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      await delay(everyMs, undefined, { signal, ref: false })
      try {
        const socket = await dial(address, bridge, signal)
        socket.on('error', () => undefined)
        socket.destroy()
        return
      } catch {
        // It is looked at again.
      }
    }
  }

  #givesUp(key: string): boolean {
    const times = (this.#refused.get(key) ?? 0) + 1
    if (this.#refused.size > REFUSED) this.#refused.clear()
    this.#refused.set(key, times)
    if (times < REFUSALS) return false
    this.#refused.delete(key)
    return true
  }

  /** Once until something else is said. */
  #say(level: 'info' | 'warn' | 'error', text: string): void {
    if (text === this.#said) return
    this.#said = text
    const { name } = this.#setup.bridge
    this.#context.logger[level]({ bridge: name }, `Bridge ${name}: ${text}`)
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text) || this.#warned.size > REFUSED) return
    this.#warned.add(text)
    const { name } = this.#setup.bridge
    this.#context.logger.warn({ bridge: name }, `Bridge ${name}: ${text}`)
  }
}

const IDLE_LOOK_MS = 500
const LONGEST_PAUSE_MS = 2 ** 31 - 1

async function untilEnough({ enough, end }: Counting, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    // The signal outlives many of these waits: none leaves a listener behind.
    else signal.addEventListener('abort', () => resolve(), { signal: over.signal })
  })
  await Promise.race([enough, stopped])
  over.abort()
  await end()
}

/** Resolves early when it is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // A timer takes no longer time: without end it starts anew.
  do await delay(Math.min(ms, LONGEST_PAUSE_MS), undefined, { signal, ref: false }).catch(() => undefined)
  while (ms === Infinity && !signal.aborted)
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
