/**
 * The position of each version in an app's broadcast log, for one session. The cursor of the log is the position of the
 * versions subscribed all along; a version subscribed later is further back and catches up.
 */
import type { Commit, Cursors } from '../../store/contract.ts'
import { standing } from '../../store/marks.ts'

/** What is for a version between these offsets was passed before it was subscribed to. */
export interface Lag {
  readonly from: number
  readonly through: number
  /** The session was kept with it: what an earlier connection sent of it goes out with DUP. */
  readonly restored: boolean
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>()
const NO_VERSIONS: readonly string[] = []

export class Standings {
  readonly #opened: Cursors
  /** The versions that the stored cursor stands for. */
  #stored: readonly string[]
  /** Ours stands for these: all of theirs up to what was sent was sent. */
  #following = NO_VERSIONS
  // Absent if there is none: most devices have one version, and stay with it.
  #lagging: Map<string, Lag> | undefined
  /** Sent up to here, in this connection or before it. */
  #passed: Map<string, number> | undefined
  /** Acknowledged, and not stored yet. */
  #changed: Map<string, number> | undefined
  #furthest = 0

  constructor(opened: Cursors) {
    this.#opened = opened
    this.#stored = opened.marks?.versions ?? NO_VERSIONS
    for (const [version, offset] of opened.marks?.passed ?? []) this.#pass(version, offset)
  }

  get lagging(): ReadonlyMap<string, Lag> {
    return this.#lagging ?? NONE
  }

  /** `sent`: of the log, for the versions that were there before. */
  add(version: string, sent: number, restored: boolean): void {
    if (this.#following.includes(version) || this.lagging.has(version)) return
    const from = Math.max(standing(this.#opened, version), this.#passed?.get(version) ?? 0)
    if (from >= sent) return this.#follow(version)
    this.#lagging ??= new Map()
    this.#lagging.set(version, { from, through: sent, restored })
  }

  /** `sent` and `acknowledged` are of the log. */
  remove(version: string, sent: number, acknowledged: number): void {
    this.#lagging?.delete(version)
    if (!this.#following.includes(version)) return
    this.#following = this.#following.filter((each) => each !== version)
    this.#pass(version, sent)
    this.#change(version, acknowledged)
  }

  /** Those that lag are acknowledged up to here; whoever has caught up with it follows the cursor. */
  caughtUpTo(versions: Iterable<string>, acknowledged: number): void {
    for (const version of versions) {
      const lag = this.#lagging?.get(version)
      if (lag === undefined) continue
      const through = Math.min(lag.through, Math.max(lag.from, acknowledged))
      this.#pass(version, through)
      this.#change(version, through)
      if (through < lag.through) continue
      this.#lagging?.delete(version)
      this.#follow(version)
    }
  }

  /**
   * A broadcast that one of these versions selects was sent before, under that version: it must not go out under another.
   * `sent` is of the log.
   */
  sentUnder(offset: number, sent: number): string[] {
    const under = offset <= sent ? [...this.#following] : []
    if (offset <= this.#opened.broadcast) under.push(...(this.#opened.marks?.versions ?? []))
    if (offset > this.#furthest) return under
    for (const [version, through] of this.#passed ?? NONE) if (offset <= through) under.push(version)
    return under
  }

  /** Nothing beyond the log was sent under any version. */
  isFirst(offset: number): boolean {
    return offset > this.#furthest
  }

  /** Returns up to where all that the log is read for was acknowledged there. */
  movedElsewhere(cursors: Cursors): number {
    const { broadcast, marks } = cursors
    if (marks === undefined) return broadcast
    this.#stored = marks.versions
    for (const version of marks.versions) this.#pass(version, broadcast)
    for (const [version, offset] of marks.passed) this.#pass(version, offset)
    if (this.lagging.size > 0 || this.#following.length === 0) return 0
    return Math.min(...this.#following.map((version) => standing(cursors, version)))
  }

  /** What the next commit says of it. */
  change(): Pick<Commit, 'versions' | 'passed'> | undefined {
    const following = this.#following
    const isStored = following.length === 0 || this.#isStored(following)
    if (isStored && this.#changed === undefined) return undefined
    return {
      ...(isStored ? {} : { versions: following }),
      ...(this.#changed === undefined ? {} : { passed: [...this.#changed] }),
    }
  }

  committed({ versions, passed }: Pick<Commit, 'versions' | 'passed'>): void {
    if (versions !== undefined) this.#stored = versions
    for (const [version, offset] of passed ?? []) {
      if (this.#changed?.get(version) === offset) this.#changed.delete(version)
    }
    if (this.#changed?.size === 0) this.#changed = undefined
  }

  /** The store no longer knows which versions the cursor stands for. */
  cursorsLost(): void {
    this.#stored = NO_VERSIONS
  }

  /** Most devices follow what is stored for them, and need no list of their own. */
  #follow(version: string): void {
    const following = this.#following.concat(version)
    this.#following = this.#isStored(following) ? this.#stored : following
  }

  #isStored(versions: readonly string[]): boolean {
    const stored = this.#stored
    return versions === stored || (versions.length === stored.length && versions.every((each) => stored.includes(each)))
  }

  #pass(version: string, offset: number): void {
    this.#passed ??= new Map()
    this.#passed.set(version, Math.max(offset, this.#passed.get(version) ?? 0))
    this.#furthest = Math.max(this.#furthest, offset)
  }

  #change(version: string, offset: number): void {
    this.#changed ??= new Map()
    this.#changed.set(version, offset)
  }
}
