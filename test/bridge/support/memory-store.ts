/** A store in memory, only as much of the contract as HTTP uses. */
import { PushError } from '../../../errors.ts'
import type {
  Appended,
  BroadcastEntry,
  LogEntry,
  LogSlice,
  ReadLimit,
  Store,
  TokenRegistration,
  Watcher,
} from '../../../store/contract.ts'

interface Registered extends TokenRegistration {
  generation: number
  revoked: boolean
  private: number
  broadcast: number
  log: LogEntry[]
  end: number
  ids: Map<string, number>
}

interface BroadcastLog {
  entries: BroadcastEntry[]
  end: number
  ids: Map<string, number>
}

export type MemoryStore = Pick<
  Store,
  | 'health'
  | 'watch'
  | 'registerToken'
  | 'revokeToken'
  | 'lookupToken'
  | 'append'
  | 'appendBroadcast'
  | 'readPrivate'
  | 'readBroadcast'
  | 'commit'
  | 'follow'
>

export function memoryStore(now: () => number): MemoryStore {
  const tokens = new Map<string, Registered>()
  const current = new Map<string, string>()
  const apps = new Map<string, BroadcastLog>()
  const watchers = new Set<Watcher>()
  const tell = (what: (watcher: Watcher) => void) => setImmediate(() => watchers.forEach(what))
  const logOf = (app: string) => {
    const log: BroadcastLog = apps.get(app) ?? { entries: [], end: 0, ids: new Map() }
    apps.set(app, log)
    return log
  }
  const place = (app: string, device: string) => `${app}/${device}`
  const slice = <E extends LogEntry>(all: E[], end: number, after: number, limit: ReadLimit): LogSlice<E> => {
    const entries: E[] = []
    let bytes = 0
    let readTo = end
    for (const entry of all) {
      if (entry.offset <= after || entry.expiresAt <= now()) continue
      if (entries.length >= limit.entries || (entries.length > 0 && bytes + entry.payload.length > limit.bytes)) {
        readTo = entries.at(-1)?.offset ?? after
        break
      }
      entries.push(entry)
      bytes += entry.payload.length
    }
    return { entries, readTo, end }
  }

  return {
    health: async () => ({ warnings: [] }),
    watch(watcher) {
      watchers.add(watcher)
      return () => void watchers.delete(watcher)
    },
    follow: async () => () => {},
    async registerToken(registration) {
      const { tokenId, app, device } = registration
      const known = tokens.get(tokenId)
      if (known === undefined) {
        tokens.set(tokenId, {
          ...registration,
          generation: 1,
          revoked: false,
          private: 0,
          broadcast: logOf(app).end,
          log: [],
          end: 0,
          ids: new Map(),
        })
      } else if (known.revoked) {
        known.revoked = false
        known.generation++
      }
      const before = current.get(place(app, device))
      current.set(place(app, device), tokenId)
      if (before !== undefined && before !== tokenId) tell((w) => w.sessionEnded(before, 1, 'TOKEN_SUPERSEDED'))
      return {
        generation: tokens.get(tokenId)!.generation,
        ...(before === undefined || before === tokenId ? {} : { switchedFrom: before }),
      }
    },
    async revokeToken(tokenId) {
      const known = tokens.get(tokenId)
      if (known === undefined) return false
      known.revoked = true
      tell((w) => w.sessionEnded(tokenId, 1, 'TOKEN_REVOKED'))
      return true
    },
    async lookupToken(tokenId) {
      const known = tokens.get(tokenId)
      if (known === undefined) return undefined
      const { app, device, generation, revoked } = known
      return {
        app,
        generation,
        revoked,
        current: current.get(place(app, device)) === tokenId,
        cursors: { private: known.private, broadcast: known.broadcast },
      }
    },
    async append({ tokenId, app, message, dedupe }): Promise<Appended> {
      const known = tokens.get(tokenId)
      if (known === undefined || (app !== undefined && app !== known.app)) throw new PushError('TOKEN_UNKNOWN')
      if (known.revoked) throw new PushError('TOKEN_REVOKED')
      const first = known.ids.get(message.id)
      if (dedupe && first !== undefined) return { offset: first, duplicate: true, dropped: 0 }
      const entry = { ...message, offset: ++known.end }
      known.log.push(entry)
      if (dedupe) known.ids.set(message.id, entry.offset)
      tell((w) => w.privateAppended(tokenId, entry.offset, entry))
      return { offset: entry.offset, duplicate: false, dropped: 0 }
    },
    async appendBroadcast({ app, selector, message, dedupe }): Promise<Appended> {
      const log = logOf(app)
      const first = log.ids.get(message.id)
      if (dedupe && first !== undefined) return { offset: first, duplicate: true, dropped: 0 }
      const entry = { ...message, selector, offset: ++log.end }
      log.entries.push(entry)
      if (dedupe) log.ids.set(message.id, entry.offset)
      tell((w) => w.broadcastAppended(app, entry.offset, entry))
      return { offset: entry.offset, duplicate: false, dropped: 0 }
    },
    async readPrivate(tokenId, after, limit) {
      const known = tokens.get(tokenId)
      return slice(known?.log ?? [], known?.end ?? 0, after, limit)
    },
    readBroadcast: async (app, after, limit) => slice(logOf(app).entries, logOf(app).end, after, limit),
    async commit(commits) {
      for (const { tokenId, private: own = 0, broadcast = 0 } of commits) {
        const known = tokens.get(tokenId)!
        known.private = Math.max(known.private, Math.min(own, known.end))
        known.broadcast = Math.max(known.broadcast, Math.min(broadcast, logOf(known.app).end))
      }
      return []
    },
  }
}
