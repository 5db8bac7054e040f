/**
 * Carries steps to Redis. A lane has at most one batch in flight; steps requested meanwhile form the next batch. So
 * steps keep their order, whatever is resent or redirected, and batches grow with the load.
 *
 * In a Cluster, each partition and each app's broadcast log has its own lane. A single server can run steps of all
 * partitions in one script, so a few lanes are enough.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { PushError } from '../../errors.ts'
import type { BatchScript } from './batch-script.ts'
import { absentKey } from './keys.ts'
import { type Packable, type Packed, Packer, unpack } from './pack.ts'
import type { Replication } from './replication.ts'
import { classify, refusal, unavailable } from './script.ts'

export interface StepKind {
  readonly name: string
  /** It writes: it is kept in the journal, so that a batch may be repeated. */
  readonly changes: boolean
  /** It stores what was not there, and is refused when Redis is out of memory. */
  readonly stores: boolean
  readonly joined?: Joined
}

/** Steps of one kind that stand together in a batch may travel as one. */
export interface Joined {
  /** How many of the first arguments are the same, as values or as objects, in steps that become one. The rest follow. */
  readonly shared: number
  /** Splits the result of a combined step. */
  readonly split: (result: Result, count: number) => readonly Result[]
}

export type Result = readonly Packed[]

interface Step {
  readonly kind: StepKind
  readonly base: string
  readonly args: readonly Packable[]
  readonly bytes: number
  readonly givenUpAt: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: PushError) => void
  settled: boolean
}

/** What the script does first about memory, see ROOM in `lua/begin.lua`. */
const Room = { any: 0, needed: 1, full: 2 } as const
type Room = (typeof Room)[keyof typeof Room]

interface Sending {
  readonly sequence: number
  readonly changes: boolean
  /** The connection is new: Redis may be another one than before. */
  readonly verify: boolean
  readonly room: Room
}

/** What travels as one step. */
type Group = [Step, ...Step[]]

interface Lane {
  readonly journal: string
  readonly absent: string
  queue: Step[]
  underWay: readonly Step[]
  lastFailure: unknown
  /** When Redis last answered a batch of it, by the monotonic clock. */
  answeredAt: number
}

interface LaneOptions {
  readonly script: Pick<BatchScript, 'run'>
  /** The lane of a base, named by the key of its journal. */
  readonly journalOf: (base: string) => string
  /** How many connections there have been: with a new one, Redis may be another one than before. */
  readonly connections: () => number
  /** Absent: nobody waits for replicas. */
  readonly replication?: Replication | undefined
  /** Which data the lane met, see LIFE in `lua/begin.lua`. */
  readonly life: (journal: string, life: number) => void
  /** What steps took out of logs beside what they were asked for: { destination, number of an end (from 1), count, ... } */
  readonly tallied: (tallies: Packed) => void
  /** Steps that change something were done, or may have been, after their callers were refused: nobody heard the results. */
  readonly unheard?: () => void
  /** Its name, its node, and what else is the same in each of its batches, see `lua/begin.lua`. */
  readonly process: readonly Packable[]
  readonly now: () => number
  readonly deadlineMs: number
  readonly waitingSteps: number
  readonly waitingBytes: number
}

const BATCH_STEPS = 256
const BATCH_BYTES = 1024 * 1024
/** Overhead of a step besides the bytes it carries; an estimate for the limit. */
const STEP_BYTES = 256
const RETRY_MS = 50
/** Deadlines are checked this often within one deadline. */
const LOOKS = 8

export class Lanes {
  readonly #options: LaneOptions
  readonly #lanes = new Map<string, Lane>()
  #ready = new Set<Lane>()
  #scheduled = false
  #sequence = 0
  /** The connection over which a batch has been answered. */
  #verified = 0
  readonly #process: Buffer
  #steps = 0
  #bytes = 0
  #clock: NodeJS.Timeout | undefined
  #closed = false
  #idle: (() => void) | undefined

  constructor(options: LaneOptions) {
    this.#options = options
    this.#process = packed(options.process)
  }

  open(): void {
    this.#clock = setInterval(() => this.#giveUp(performance.now()), this.#options.deadlineMs / LOOKS)
    this.#clock.unref()
  }

  /** Waits for what is under way, at most for the deadline. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#steps > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    clearInterval(this.#clock)
  }

  /** Waits for the turn to end, so that all steps of one turn and lane travel together. */
  run(kind: StepKind, base: string, ...args: readonly Packable[]): Promise<Result> {
    if (this.#closed) return Promise.reject(unavailable('the store is closed'))
    let bytes = STEP_BYTES
    for (const arg of args) {
      if (typeof arg === 'string' || arg instanceof Uint8Array) bytes += arg.length
      // Here, so that it fails alone and not with the batch it would be in.
      else if (typeof arg === 'number' && !Number.isSafeInteger(arg)) return Promise.reject(notWhole(kind, arg))
    }
    const { waitingSteps, waitingBytes, deadlineMs } = this.#options
    if (this.#steps >= waitingSteps || this.#bytes + bytes > waitingBytes) {
      return Promise.reject(unavailable('too many calls wait for Redis'))
    }
    return new Promise<Result>((resolve, reject) => {
      const givenUpAt = performance.now() + deadlineMs
      const lane = this.#laneOf(base)
      lane.queue.push({ kind, base, args, bytes, givenUpAt, resolve, reject, settled: false })
      this.#steps += 1
      this.#bytes += bytes
      this.#schedule(lane)
    })
  }

  /** Nothing waits there or is under way: a step would be a batch of its own. */
  isIdle(base: string): boolean {
    return !this.#lanes.has(this.#options.journalOf(base))
  }

  #laneOf(base: string): Lane {
    const journal = this.#options.journalOf(base)
    let lane = this.#lanes.get(journal)
    if (lane === undefined) {
      lane = {
        journal,
        absent: absentKey(journal),
        queue: [],
        underWay: [],
        lastFailure: undefined,
        answeredAt: performance.now(),
      }
      this.#lanes.set(journal, lane)
    }
    return lane
  }

  #schedule(lane: Lane): void {
    if (lane.underWay.length > 0) return
    this.#ready.add(lane)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const lanes = this.#ready
      this.#ready = new Set()
      for (const ready of lanes) this.#send(ready).catch((error: unknown) => this.#abandon(ready, error))
    })
  }

  async #send(lane: Lane): Promise<void> {
    const steps = takeBatch(lane)
    if (steps.length > 0) {
      lane.underWay = steps
      await this.#perform(lane, steps)
      lane.underWay = []
    }
    if (lane.queue.length > 0) this.#schedule(lane)
    else this.#lanes.delete(lane.journal)
  }

  /** A fault of our own with what a lane carries: it is refused, and the next calls get another lane. */
  #abandon(lane: Lane, error: unknown): void {
    const steps = [...lane.underWay, ...lane.queue]
    lane.underWay = []
    lane.queue = []
    if (this.#lanes.get(lane.journal) === lane) this.#lanes.delete(lane.journal)
    for (const step of steps) this.#reject(step, unavailable('a batch failed', error))
    this.#unheard(steps)
  }

  async #perform(lane: Lane, steps: readonly Step[]): Promise<void> {
    const changes = steps.some((step) => step.kind.changes)
    const stores = steps.some((step) => step.kind.stores)
    const sequence = (this.#sequence += 1)
    const groups = groupsOf(steps)
    let room = roomFor(steps)
    for (;;) {
      try {
        const connection = this.#options.connections()
        const encoded = this.#encode(groups, { sequence, changes, verify: connection !== this.#verified, room })
        const { journal, absent } = lane
        const needsNoMemory = room === Room.full || !stores
        const batch = { journal, absent, steps: encoded, process: this.#process, needsNoMemory }
        const reply = unpack(await this.#options.script.run(batch))
        if (changes) this.#verified = connection
        if (changes) await this.#options.replication?.reached(connection)
        lane.lastFailure = undefined
        lane.answeredAt = performance.now()
        this.#settle(lane, groups, reply)
        return
      } catch (error) {
        lane.lastFailure = error
        const failure = classify(error)
        if (failure === 'memory' && room !== Room.full) {
          // Nothing of it was done.
          room = Room.full
          continue
        }
        if (failure !== 'again' || steps.every((step) => step.settled)) {
          for (const step of steps) this.#reject(step, unavailable('Redis refused', error))
          this.#unheard(steps)
          return
        }
        await pause(RETRY_MS)
        // Refused to everybody meanwhile: it should not happen after all when Redis is back.
        if (steps.every((step) => step.settled)) return this.#unheard(steps)
      }
    }
  }

  /** The same steps with the same sequence are one batch, however often it is sent. */
  #encode(groups: readonly Group[], { sequence, changes, verify, room }: Sending): Buffer {
    const packer = new Packer()
    packer.array(1 + groups.length)
    packer.array(5)
    packer.value(sequence)
    packer.value(Math.floor(this.#options.now()))
    packer.value(changes)
    packer.value(verify)
    packer.value(room)
    for (const [first, ...others] of groups) {
      const shared = first.kind.joined?.shared ?? 0
      packer.array(2 + first.args.length + others.length * (first.args.length - shared))
      packer.value(first.kind.name)
      packer.value(first.base)
      for (const arg of first.args) packer.value(arg)
      for (const { args } of others) for (let at = shared; at < args.length; at++) packer.value(args[at] ?? false)
    }
    return packer.finish()
  }

  #settle(lane: Lane, groups: readonly Group[], reply: Packed): void {
    const results = Array.isArray(reply) ? reply : []
    const life = results[groups.length]
    if (typeof life !== 'number') {
      const detail = reply instanceof Buffer ? `the script answered ${reply.toString()}` : 'the script gave no results'
      for (const group of groups) for (const step of group) this.#reject(step, unavailable(detail))
      this.#unheard(groups.flat())
      return
    }
    this.#unheard(groups.flat().filter((step) => step.settled))
    for (const [position, group] of groups.entries()) this.#settleGroup(group, results[position])
    this.#options.life(lane.journal, life)
    const tallies = results[groups.length + 1]
    if (tallies !== undefined) this.#options.tallied(tallies)
  }

  #settleGroup(group: Group, result: Packed): void {
    if (!Array.isArray(result)) {
      for (const step of group) this.#reject(step, refusal(result instanceof Buffer ? result.toString() : 'nothing'))
      return
    }
    const { joined } = group[0].kind
    const each = joined === undefined ? [result] : joined.split(result, group.length)
    for (const [position, step] of group.entries()) this.#resolve(step, each[position] ?? [])
  }

  #unheard(steps: readonly Step[]): void {
    if (steps.some(({ kind }) => kind.changes)) this.#options.unheard?.()
  }

  #resolve(step: Step, result: Result): void {
    if (this.#finish(step)) step.resolve(result)
  }

  #reject(step: Step, error: PushError): void {
    if (this.#finish(step)) step.reject(error)
  }

  #finish(step: Step): boolean {
    if (step.settled) return false
    step.settled = true
    this.#steps -= 1
    this.#bytes -= step.bytes
    if (this.#steps === 0) this.#idle?.()
    return true
  }

  #giveUp(now: number): void {
    for (const lane of this.#lanes.values()) {
      // In a crowd, calls wait for their turn longer than that; while batches are answered, Redis is there.
      if (lane.answeredAt + this.#options.deadlineMs > now) continue
      const isLate = (step: Step): boolean => step.givenUpAt <= now
      const late = [...lane.underWay.filter(isLate), ...lane.queue.filter(isLate)]
      if (late.length === 0) continue
      lane.queue = lane.queue.filter((step) => !isLate(step))
      const error = unavailable(`no answer within ${this.#options.deadlineMs} ms`, lane.lastFailure)
      for (const step of late) this.#reject(step, error)
    }
  }
}

function packed(values: readonly Packable[]): Buffer {
  const packer = new Packer()
  packer.array(values.length)
  for (const value of values) packer.value(value)
  return packer.finish()
}

/** A step that stores must not overtake one that frees memory. */
function roomFor(steps: readonly Step[]): Room {
  const mixed = steps.some(({ kind }) => kind.stores) && steps.some(({ kind }) => kind.changes && !kind.stores)
  return mixed ? Room.needed : Room.any
}

function notWhole(kind: StepKind, value: number): TypeError {
  return new TypeError(`${kind.name}: times, offsets and limits are whole numbers, not ${value}`)
}

/**
 * Joins what may travel together. A step of another kind ends that: what comes after it stays after it, as the order of
 * the calls on one token id must be kept.
 */
function groupsOf(steps: readonly Step[]): readonly Group[] {
  const groups: Group[] = []
  const open = new Map<Packable | undefined, Group>()
  for (const step of steps) {
    const [subject] = step.args
    const group = step.kind.joined === undefined ? undefined : open.get(subject)
    if (group !== undefined && mayJoin(group[0], step)) {
      group.push(step)
      continue
    }
    const alone: Group = [step]
    groups.push(alone)
    if (step.kind.joined === undefined) open.clear()
    else open.set(subject, alone)
  }
  return groups
}

function mayJoin(first: Step, { kind, base, args }: Step): boolean {
  if (first.kind !== kind || first.base !== base) return false
  const { shared = 0 } = kind.joined ?? {}
  for (let at = 0; at < shared; at++) if (first.args[at] !== args[at]) return false
  return true
}

function takeBatch(lane: Lane): readonly Step[] {
  let bytes = 0
  let count = 0
  for (const step of lane.queue) {
    if (count === BATCH_STEPS || (count > 0 && bytes + step.bytes > BATCH_BYTES)) break
    bytes += step.bytes
    count += 1
  }
  return lane.queue.splice(0, count)
}
