/** Who belongs to a shared subscription, on whichever node: the last one to leave takes its reader along. */
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'

/** Session name to when it ends by itself, ms since the epoch. */
type Members = Record<string, number>

interface StoredMembers {
  readonly v: 1
  readonly members: Members
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
  member: string,
  expiresAt: number,
  now: number,
  begin?: (epoch: number) => Promise<void>,
): Promise<number> {
  const add = (members: Members): void => {
    members[member] = Math.max(Math.min(expiresAt, NEVER), members[member] ?? 0)
  }
  return change(store, group, now, add, begin)
}

/** Gives the latest end of those who are left; 0 where nobody is. */
export function leaveGroup(store: Store, group: string, member: string, now: number): Promise<number> {
  return change(store, group, now, (members) => {
    delete members[member]
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
    const all = state === undefined ? [] : Object.entries(decode(state)).filter(([, end]) => end > now)
    const members: Members = Object.assign(Object.create(null) as object, Object.fromEntries(all))
    work(members)
    const latest = Math.max(0, ...Object.values(members))
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
  const stored: StoredMembers = { v: 1, members }
  return Buffer.from(JSON.stringify(stored))
}

function decode(state: Uint8Array): Members {
  const { v, members } = JSON.parse(Buffer.from(state).toString('utf8')) as StoredMembers
  return v === 1 ? members : {}
}
