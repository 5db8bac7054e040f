/** The members of a shared subscription, on all nodes: the last one to leave closes its reader. */
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'

export interface SessionOfMember {
  readonly name: string
  /** Epoch of its connection. */
  readonly epoch: number
}

/** When it ends by itself, ms since the epoch, and which connection joined last. */
type Membership = readonly [end: number, joined: number]

/** By the names of their sessions. */
type Members = Record<string, Membership>

interface StoredMembers {
  readonly v: 2
  readonly members: Members
}

/** Others change it at the same moment: who was fenced tries again. */
const TRIES = 20
/** What the names of their sessions begin with. */
const GROUPS = 'group/'
const NEVER = Number.MAX_SAFE_INTEGER

interface Change {
  readonly work: (members: Members) => void
  readonly now: number
  /** Done before the members are written; `isFirst`: the group has none. Of a batch, that of whoever stays longest. */
  readonly prepare: ((epoch: number, isFirst: boolean) => Promise<void>) | undefined
  readonly until: number
  /** Done when nobody is left. */
  readonly end: (() => Promise<void>) | undefined
  readonly resolve: (latest: number) => void
  readonly reject: (error: unknown) => void
}

/** Changes of one group go one after the other, and those that come meanwhile go together: many join at the same time. */
export class GroupMembers {
  readonly #store: Pick<Store, 'openNamedSession' | 'saveNamedSession' | 'closeNamedSession'>
  /** Pending work by group, while a change is in progress. */
  readonly #waiting = new Map<string, Change[]>()

  constructor(store: Pick<Store, 'openNamedSession' | 'saveNamedSession' | 'closeNamedSession'>) {
    this.#store = store
  }

  /** Adds a member, or moves its end on. Returns the latest end of all. @throws STORE_UNAVAILABLE */
  join(
    group: string,
    { name, epoch }: SessionOfMember,
    expiresAt: number,
    now: number,
    prepare?: Change['prepare'],
  ): Promise<number> {
    const work = (members: Members): void => {
      const [end, joined] = members[name] ?? [0, 0]
      members[name] = [Math.max(Math.min(expiresAt, NEVER), end), Math.max(epoch, joined)]
    }
    return this.#change(group, { work, now, prepare, until: expiresAt, end: undefined })
  }

  /**
   * With an epoch, it stays a member where another connection of its session has joined: this one is only late. `end` is
   * done before somebody else joins. @throws STORE_UNAVAILABLE
   */
  async leave(
    group: string,
    { name, epoch }: Partial<SessionOfMember> & Pick<SessionOfMember, 'name'>,
    now: number,
    end: () => Promise<void>,
  ): Promise<void> {
    const work = (members: Members): void => {
      const [, joined] = members[name] ?? []
      if (epoch === undefined || joined === epoch) delete members[name]
    }
    await this.#change(group, { work, now, prepare: undefined, until: 0, end })
  }

  #change(group: string, change: Omit<Change, 'resolve' | 'reject'>): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(group) ?? []
      waiting.push({ ...change, resolve, reject })
      if (this.#waiting.has(group)) return
      this.#waiting.set(group, waiting)
      this.#work(group).catch(reject)
    })
  }

  /** Never rejects. */
  async #work(group: string): Promise<void> {
    for (;;) {
      const changes = this.#waiting.get(group) ?? []
      if (changes.length === 0) break
      this.#waiting.set(group, [])
      try {
        const latest = await this.#write(`${GROUPS}${group}`, changes)
        for (const { resolve } of changes) resolve(latest)
      } catch (error) {
        for (const { reject } of changes) reject(error)
      }
    }
    this.#waiting.delete(group)
  }

  async #write(name: string, changes: readonly Change[]): Promise<number> {
    for (let tries = 1; tries <= TRIES; tries += 1) {
      const latest = await this.#try(name, changes)
      if (latest === undefined) continue
      if (latest === 0) await changes.find(({ end }) => end !== undefined)?.end?.()
      return latest
    }
    throw new PushError('STORE_UNAVAILABLE', 'too many change this shared subscription now')
  }

  /** Undefined: another node came in between. */
  async #try(name: string, changes: readonly Change[]): Promise<number | undefined> {
    const { epoch, state } = await this.#store.openNamedSession(name, false)
    const now = latestOf(changes.map((each) => each.now))
    const all = state === undefined ? [] : Object.entries(decode(state)).filter(([, [end]]) => end > now)
    const members: Members = Object.assign(Object.create(null) as object, Object.fromEntries(all))
    for (const { work } of changes) work(members)
    const latest = latestOf(Object.values(members).map(([end]) => end))
    try {
      await longest(changes)?.prepare?.(epoch, all.length === 0)
      // Fails where another one came in between, so that its change is not lost.
      await this.#store.saveNamedSession(name, epoch, encode(members))
    } catch (error) {
      if (error instanceof PushError && error.code === 'SESSION_TAKEN_OVER') return undefined
      throw error
    }
    const stateExpiresAt = latest >= NEVER ? Infinity : latest
    const left = latest === 0 ? { stateExpiresAt: 0 } : { state: encode(members), stateExpiresAt }
    await this.#store.closeNamedSession(name, epoch, left)
    return latest
  }
}

/** 0 if there is none. Not by arguments: of a call there may not be as many as members. */
function latestOf(times: readonly number[]): number {
  return times.reduce((latest, time) => Math.max(latest, time), 0)
}

function longest(changes: readonly Change[]): Change | undefined {
  let found: Change | undefined
  for (const each of changes) if (each.prepare !== undefined && each.until >= (found?.until ?? 0)) found = each
  return found
}

function encode(members: Members): Uint8Array {
  const stored: StoredMembers = { v: 2, members }
  return Buffer.from(JSON.stringify(stored))
}

function decode(state: Uint8Array): Members {
  const { v, members } = JSON.parse(Buffer.from(state).toString('utf8')) as StoredMembers
  return v === 2 ? members : {}
}
