/**
 * Counts that the processes of one server share (`--workers`). Each process decides at once, from its own count and the
 * latest counts of the others. So a limit can be exceeded only by what happens within a few milliseconds, and if a
 * process hears nothing, it enforces the limit alone.
 */

/** A current number: it ends with the process that counts it. */
const STANDING = ['connections', 'waiting'] as const
/** A number of events: it fades by itself. */
export const PASSING = [
  'connectsPerAddress',
  'connectsPerToken',
  'devicePublishes',
  'providerPublishes',
  'requests',
  'tokenRequests',
  'webPushRequests',
  'signIns',
] as const

export type CountName = (typeof STANDING)[number] | (typeof PASSING)[number]

export type Heard = (key: string, change: number) => void

export interface Tally {
  tell(name: CountName, key: string, change: number): void
  /** The counts of the others, including those of ended processes. */
  hear(name: CountName, heard: Heard): void
}

/** One count of a tally. */
export interface SharedCount {
  tell(key: string, change: number): void
  hear(heard: Heard): void
}

/** Undefined if a process is alone and counts for itself. */
export function sharedCount(tally: Tally | undefined, name: CountName): SharedCount | undefined {
  if (tally === undefined) return undefined
  return {
    tell: (key, change) => tally.tell(name, key, change),
    hear: (heard) => tally.hear(name, heard),
  }
}

export type Change = readonly [name: CountName, key: string, change: number]

/** Accumulated changes, by count and key. */
export class Changes {
  readonly #byName = new Map<CountName, Map<string, number>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add([name, key, change]: Change): void {
    let byKey = this.#byName.get(name)
    if (byKey === undefined) {
      byKey = new Map()
      this.#byName.set(name, byKey)
    }
    const before = byKey.get(key)
    const after = (before ?? 0) + change
    if (before === undefined) this.#size++
    byKey.set(key, after)
    if (after !== 0) return
    byKey.delete(key)
    this.#size--
  }

  /** Counts that fade are not worth keeping for a process that has not listened for long. */
  forgetPassing(): void {
    for (const name of PASSING) {
      this.#size -= this.#byName.get(name)?.size ?? 0
      this.#byName.delete(name)
    }
  }

  list(): Change[] {
    return [...this.#byName].flatMap(([name, byKey]) => [...byKey].map(([key, change]): Change => [name, key, change]))
  }
}

/** Interval between two messages to one process; changes in between are sent together, ms. */
const TOGETHER_MS = 3
/** Maximum number of pending changes for a process that does not listen. */
const MOST_WAITING = 10_000

/** Pending changes for another process; they accumulate while it does not accept a message. */
class Messenger {
  readonly #send: (changes: readonly Change[], sent: () => void) => void
  #waiting = new Changes()
  /** A message is in flight or about to be sent. */
  #isBusy = false

  constructor(send: (changes: readonly Change[], sent: () => void) => void) {
    this.#send = send
  }

  add(change: Change): void {
    this.#waiting.add(change)
    if (this.#waiting.size > MOST_WAITING) this.#waiting.forgetPassing()
    this.#soon()
  }

  #soon(): void {
    if (this.#isBusy || this.#waiting.size === 0) return
    this.#isBusy = true
    setTimeout(() => this.#go(), TOGETHER_MS)
  }

  #go(): void {
    const changes = this.#waiting.list()
    this.#waiting = new Changes()
    this.#send(changes, () => {
      this.#isBusy = false
      this.#soon()
    })
  }
}

/** The tally of one process: hears the others, and tells them its changes. */
export function createTally(send: (changes: readonly Change[], sent: () => void) => void) {
  const messenger = new Messenger(send)
  const hearing = new Map<CountName, Heard[]>()
  /** Heard before there was a listener. */
  let early: Change[] | undefined = []
  const tally: Tally = {
    tell: (...change) => messenger.add(change),
    hear(name, heard) {
      hearing.set(name, [...(hearing.get(name) ?? []), heard])
      for (const [each, key, change] of early ?? []) if (each === name) heard(key, change)
    },
  }
  return {
    tally,
    heard(changes: readonly Change[]): void {
      early?.push(...changes)
      for (const [name, key, change] of changes) for (const heard of hearing.get(name) ?? []) heard(key, change)
    },
    /** All counts have listeners now. */
    settle(): void {
      early = undefined
    },
  }
}

/** The hub between the processes: forwards their changes, and reverts the counts of a process that ended. */
export class Exchange<Peer> {
  readonly #peers = new Map<Peer, { readonly messenger: Messenger; readonly standing: Changes }>()

  /** Sends it the current counts. */
  join(peer: Peer, send: (changes: readonly Change[], sent: () => void) => void): void {
    const messenger = new Messenger(send)
    for (const { standing } of this.#peers.values()) for (const change of standing.list()) messenger.add(change)
    this.#peers.set(peer, { messenger, standing: new Changes() })
  }

  tell(from: Peer, changes: readonly Change[]): void {
    const own = this.#peers.get(from)
    if (own === undefined) return
    for (const change of changes) {
      if (isStanding(change[0])) own.standing.add(change)
      this.#pass(from, change)
    }
  }

  leave(peer: Peer): void {
    const left = this.#peers.get(peer)
    this.#peers.delete(peer)
    for (const [name, key, change] of left?.standing.list() ?? []) this.#pass(peer, [name, key, -change])
  }

  #pass(from: Peer, change: Change): void {
    for (const [peer, { messenger }] of this.#peers) if (peer !== from) messenger.add(change)
  }
}

function isStanding(name: CountName): boolean {
  return STANDING.some((each) => each === name)
}
