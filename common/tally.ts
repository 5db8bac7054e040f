/**
 * Counts that the processes of one server share (`--workers`). Each decides at once, by what it counts itself and what
 * it has heard of the others: a limit is passed by no more than what happens within the few milliseconds that this
 * takes, and holds for each process alone while nothing is heard.
 */

/** What there is now: it ends with the process that counts it. */
const STANDING = ['connections', 'waiting'] as const
/** What has happened: it fades by itself. */
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
  /** What the others count, and have counted so far. */
  hear(name: CountName, heard: Heard): void
}

/** One count of a tally. */
export interface SharedCount {
  tell(key: string, change: number): void
  hear(heard: Heard): void
}

/** Undefined if a process is alone, and counts for itself. */
export function sharedCount(tally: Tally | undefined, name: CountName): SharedCount | undefined {
  if (tally === undefined) return undefined
  return {
    tell: (key, change) => tally.tell(name, key, change),
    hear: (heard) => tally.hear(name, heard),
  }
}

export type Change = readonly [name: CountName, key: string, change: number]

/** Changes by count and key, added up. */
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

  /** What fades by itself is not worth keeping for one who has not listened for long. */
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

/** Between two messages to one process: what happens in the meantime travels together, ms. */
const TOGETHER_MS = 3
/** Changes that wait for a process that does not listen. */
const MOST_WAITING = 10_000

/** Changes on their way to another process; while it does not take a message, they are added up. */
class Messenger {
  readonly #send: (changes: readonly Change[], sent: () => void) => void
  #waiting = new Changes()
  /** A message is under way, or about to be made. */
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

/** What a process of its own hears of the others, and tells. */
export function createTally(send: (changes: readonly Change[], sent: () => void) => void) {
  const messenger = new Messenger(send)
  const hearing = new Map<CountName, Heard[]>()
  /** Heard before anybody listened. */
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
    /** Everybody listens now. */
    settle(): void {
      early = undefined
    },
  }
}

/** Between the processes: passes on what each tells, and takes back what one counted that has ended. */
export class Exchange<Peer> {
  readonly #peers = new Map<Peer, { readonly messenger: Messenger; readonly standing: Changes }>()

  /** Tells it what stands already. */
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
