/**
 * The marks of a token id: what its cursors alone do not say, and how a commit changes it; the same in every engine.
 */
import type { Commit, Cursors, Marks } from './contract.ts'

/** Messages of one log that are kept though the cursor has passed them; the oldest of more goes. */
const MOST_SKIPPED = 100
/**
 * Versions with another position than the broadcast cursor; if there are more, the one furthest behind is dropped,
 * which raises the floor.
 */
const MOST_PASSED = 100

const NO_MARKS: Omit<Marks, 'floor'> = {
  versions: [],
  passed: [],
  skippedPrivate: [],
  skippedBroadcast: [],
}

/** Everything up to here that is for this version is acknowledged, except for what was skipped. */
export function standing({ broadcast, marks }: Cursors, version: string): number {
  if (marks === undefined) return broadcast
  const own = marks.versions.includes(version) ? broadcast : marks.floor
  return marks.passed.reduce((most, [each, offset]) => (each === version ? Math.max(most, offset) : most), own)
}

/**
 * Versions that a broadcast was acknowledged under when one of them selects it: whatever else selects it, it is not
 * pending. The version that is asked for is never among them.
 */
export function acknowledgedUnder(cursors: Cursors, offset: number, version: string): string[] {
  const { broadcast, marks } = cursors
  if (marks === undefined) return []
  const of = marks.passed.filter(([, through]) => offset <= through).map(([each]) => each)
  if (offset <= broadcast) of.push(...marks.versions)
  return of.filter((each) => each !== version)
}

/** The cursors after a commit, given where the two logs end. The same object when nothing moves. */
export function moveCursors(from: Cursors, commit: Commit, ends: { private: number; broadcast: number }): Cursors {
  const own = Math.max(from.private, Math.min(commit.private ?? 0, ends.private))
  const broadcast = Math.max(from.broadcast, Math.min(commit.broadcast ?? 0, ends.broadcast))
  const { versions, passed, skipped, taken } = commit
  if (versions === undefined && passed === undefined && skipped === undefined && taken === undefined) {
    const isSame = own === from.private && broadcast === from.broadcast
    return isSame ? from : { ...from, private: own, broadcast }
  }
  const change = new Change(from, own, broadcast)
  if (versions !== undefined) change.stand(versions, Math.min(commit.broadcast || from.broadcast, ends.broadcast))
  for (const [version, offset] of passed ?? []) change.pass(version, Math.min(offset, ends.broadcast))
  change.skip(skipped?.private ?? [], skipped?.broadcast ?? [])
  change.take(taken?.private ?? [], taken?.broadcast ?? [])
  return change.done()
}

class Change {
  readonly #from: Cursors
  readonly #private: number
  #broadcast: number
  #floor: number
  #versions: readonly string[]
  readonly #passed: Map<string, number>
  #skippedPrivate: readonly number[]
  #skippedBroadcast: readonly number[]

  constructor(from: Cursors, own: number, broadcast: number) {
    const { floor, versions, passed, skippedPrivate, skippedBroadcast } = from.marks ?? {
      floor: from.broadcast,
      ...NO_MARKS,
    }
    this.#from = from
    this.#private = own
    this.#broadcast = broadcast
    this.#floor = floor
    this.#versions = versions
    this.#passed = new Map(passed)
    this.#skippedPrivate = skippedPrivate
    this.#skippedBroadcast = skippedBroadcast
  }

  /**
   * The cursor stands for these from where it was: those that it stood for before stay there. `at`: where the new ones
   * are; behind the cursor, which another one has moved meanwhile, it does not stand for them.
   */
  stand(versions: readonly string[], at: number): void {
    const previous = this.#versions
    for (const version of previous) if (!versions.includes(version)) this.#raise(version, this.#from.broadcast)
    this.#versions = versions.filter((version) => previous.includes(version) || at >= this.#from.broadcast)
    for (const version of versions) if (!this.#versions.includes(version)) this.#raise(version, at)
  }

  pass(version: string, offset: number): void {
    if (this.#versions.length === 1 && this.#versions[0] === version) {
      this.#broadcast = Math.max(this.#broadcast, offset)
    } else this.#raise(version, offset)
  }

  /** What is beyond the cursor needs no mark, and what is below where it was has gone. */
  skip(own: readonly number[], broadcast: readonly number[]): void {
    const passed = own.filter((offset) => offset > this.#from.private && offset <= this.#private)
    this.#skippedPrivate = merged(this.#skippedPrivate, passed)
    this.#skippedBroadcast = merged(this.#skippedBroadcast, broadcast)
  }

  take(own: readonly number[], broadcast: readonly number[]): void {
    this.#skippedPrivate = this.#skippedPrivate.filter((offset) => !own.includes(offset))
    this.#skippedBroadcast = this.#skippedBroadcast.filter((offset) => !broadcast.includes(offset))
  }

  done(): Cursors {
    for (const [version, offset] of this.#passed) {
      if (offset <= (this.#versions.includes(version) ? this.#broadcast : this.#floor)) this.#passed.delete(version)
    }
    while (this.#passed.size > MOST_PASSED) this.#forgetFurthest()
    return {
      private: this.#private,
      broadcast: this.#broadcast,
      marks: {
        floor: this.#floor,
        versions: this.#versions,
        passed: [...this.#passed],
        skippedPrivate: this.#skippedPrivate,
        skippedBroadcast: this.#skippedBroadcast,
      },
    }
  }

  #raise(version: string, offset: number): void {
    this.#passed.set(version, Math.max(offset, this.#passed.get(version) ?? 0))
  }

  #forgetFurthest(): void {
    const [furthest] = [...this.#passed].sort(([, a], [, b]) => a - b)
    if (furthest === undefined) return
    this.#passed.delete(furthest[0])
    this.#floor = Math.max(this.#floor, furthest[1])
  }
}

function merged(known: readonly number[], more: readonly number[]): readonly number[] {
  if (more.length === 0) return known
  return [...new Set([...known, ...more])].sort((a, b) => a - b).slice(-MOST_SKIPPED)
}
