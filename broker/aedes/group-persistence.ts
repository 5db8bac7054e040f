/** Shared subscriptions of the one process that the embedded store has. */
import type { ClassicLevel } from 'classic-level'
import type { GroupStore } from './contract.ts'

const PREFIX = 'share:'
/** Claims that are remembered: of messages under way, and of those that may still be read from a queue. */
const CLAIMS = 100_000

/** Members are on disk; those that were to end with the process are forgotten here. */
export async function openLevelGroups(database: ClassicLevel<string, Uint8Array>): Promise<GroupStore> {
  const keyOf = (group: string, member: string) => `${PREFIX}${encodeURIComponent(group)}:${encodeURIComponent(member)}`
  const members = new Map<string, Set<string>>()
  const known = new Set<string>()
  for await (const key of database.keys({ gte: PREFIX, lt: 'share;' })) {
    const [, group = '', member = ''] = key.split(':').map(decodeURIComponent)
    const isKept = (await database.get(key))?.[0] === 1
    known.add(group)
    if (isKept) members.set(group, (members.get(group) ?? new Set()).add(member))
    else await database.del(key)
  }
  let abandoned = [...known].filter((group) => !members.has(group))
  const claims = new Set<string>()
  const claimOf = (group: string, message: string) => `${group} ${message}`
  return {
    async add(group, member, until) {
      members.set(group, (members.get(group) ?? new Set()).add(member))
      await database.put(keyOf(group, member), Uint8Array.of(Number.isFinite(until) ? 0 : 1), { sync: true })
    },
    async remove(group, member) {
      await database.del(keyOf(group, member), { sync: true })
      const left = members.get(group)
      if (left?.delete(member) !== true || left.size > 0) return false
      members.delete(group)
      return true
    },
    async abandoned() {
      const groups = abandoned
      abandoned = []
      return groups
    },
    async claim(group, message) {
      const claim = claimOf(group, message)
      if (claims.has(claim)) return false
      claims.add(claim)
      if (claims.size > CLAIMS) for (const oldest of claims) return claims.delete(oldest)
      return true
    },
    async renew() {
      // It ends with the process only.
    },
    async release(group, message) {
      claims.delete(claimOf(group, message))
    },
  }
}
