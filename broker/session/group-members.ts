/** Who belongs to a shared subscription, on whichever node: the last one to leave takes its reader along. */
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'

export interface SessionOfMember {
  readonly name: string
  /** Of its connection. */
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

/** Without epochs. */
interface OldMembers {
  readonly v: 1
  readonly members: Record<string, number>
}

/** Others change it at the same moment: who was fenced tries again. */
const TRIES = 20
/** What the names of their sessions begin with. */
const GROUPS = 'group/'
const NEVER = Number.MAX_SAFE_INTEGER

/**
 * Adds a member, or moves its end on. Gives the latest end of all. `begin`: the group has no members, and the session that
 * knows them is held with this epoch.
 */
export function joinGroup(
  store: Store,
  group: string,
  { name, epoch }: SessionOfMember,
  expiresAt: number,
  now: number,
  begin?: (epoch: number) => Promise<void>,
): Promise<number> {
  const add = (members: Members): void => {
    const [end] = members[name] ?? [0]
    members[name] = [Math.max(Math.min(expiresAt, NEVER), end), epoch]
  }
  return change(store, group, now, add, begin)
}

/**
 * Gives the latest end of those who are left; 0 where nobody is. With an epoch, it stays a member where another connection
 * of its session has joined: this one is only late.
 */
export function leaveGroup(
  store: Store,
  group: string,
  { name, epoch }: Partial<SessionOfMember> & Pick<SessionOfMember, 'name'>,
  now: number,
): Promise<number> {
  return change(store, group, now, (members) => {
    const [, joined] = members[name] ?? []
    if (epoch === undefined || joined === epoch) delete members[name]
  })
}

async function change(
  store: Store,
  group: string,
  now: number,
  work: (members: Members) => void,
  begin?: (epoch: number) => Promise<void>,
): Promise<number> {
  const name = `${GROUPS}${group}`
  for (let tries = 1; ; tries += 1) {
    const { epoch, state } = await store.openNamedSession(name, false)
    const all = state === undefined ? [] : Object.entries(decode(state)).filter(([, [end]]) => end > now)
    const members: Members = Object.assign(Object.create(null) as object, Object.fromEntries(all))
    work(members)
    const latest = Math.max(0, ...Object.values(members).map(([end]) => end))
    try {
      if (begin !== undefined && all.length === 0) await begin(epoch)
      // Fails where another one came in between, so that its change is not lost.
      await store.saveNamedSession(name, epoch, encode(members))
    } catch (error) {
      if (!(error instanceof PushError) || error.code !== 'SESSION_TAKEN_OVER' || tries === TRIES) throw error
      continue
    }
    const stateExpiresAt = latest >= NEVER ? Infinity : latest
    await store.closeNamedSession(
      name,
      epoch,
      latest === 0 ? { stateExpiresAt: 0 } : { state: encode(members), stateExpiresAt },
    )
    return latest
  }
}

function encode(members: Members): Uint8Array {
  const stored: StoredMembers = { v: 2, members }
  return Buffer.from(JSON.stringify(stored))
}

function decode(state: Uint8Array): Members {
  const stored = JSON.parse(Buffer.from(state).toString('utf8')) as StoredMembers | OldMembers
  if (stored.v === 2) return stored.members
  if (stored.v !== 1) return {}
  return Object.fromEntries(Object.entries(stored.members).map(([name, end]) => [name, [end, 0]]))
}
