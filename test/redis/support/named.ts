/** Sessions by name on the Redis engine. */
import type { SessionAppended, SessionEntry, SessionOwner, Store, Watcher } from '../../../store/contract.ts'
import { ALL, message } from './people.ts'

export const HOUR = 3_600_000

/** Hears what is told of sessions by name. */
export class SessionEar implements Watcher {
  readonly appended: { name: string; offset: number; entry: SessionEntry | undefined }[] = []
  readonly ends: string[] = []
  readonly changes: number[] = []
  readonly wills: SessionOwner[] = []

  sessionAppended(name: string, offset: number, entry?: SessionEntry): void {
    this.appended.push({ name, offset, entry })
  }
  namedSessionEnded(name: string, epoch: number): void {
    this.ends.push(`${name} ${epoch}`)
  }
  subscriptionsChanged(offset: number): void {
    this.changes.push(offset)
  }
  willDue(session: SessionOwner): void {
    this.wills.push(session)
  }

  privateAppended(): void {}
  broadcastAppended(): void {}
  sessionEnded(): void {}
  cursorMoved(): void {}
  cursorsLost(): void {}
  resync(): void {}
}

export function deliver(
  store: Store,
  names: readonly string[],
  payload: string,
  uid?: string,
  expiresAt = Date.now() + 24 * HOUR,
): Promise<readonly SessionAppended[]> {
  return store.appendSessions({
    topic: 'general',
    message: { ...message(`id of ${payload.length}`, payload), expiresAt },
    to: names.map((name) => ({ name, qos: 1, retain: false, identifiers: [] })),
    ...(uid === undefined ? {} : { uid }),
  })
}

export async function subscribe(store: Store, name: string, epoch: number, ...filters: string[]): Promise<number> {
  const options = Buffer.from([1])
  return await store.changeSubscriptions({
    name,
    epoch,
    replaces: false,
    filters: filters.map((filter) => [filter, options]),
  })
}

/** Everything in the log of a session. */
export async function textsOf(store: Store, name: string): Promise<string[]> {
  return (await store.readSession(name, 0, ALL)).entries.map(({ payload }) => Buffer.from(payload).toString())
}

export async function subscribedTo(store: Store, name: string): Promise<string[]> {
  return ((await store.subscriptionsOf(name))?.filters ?? []).map(([filter]) => filter).sort()
}

/** Names whose sessions are in one partition. */
export function neighbours(count: number, partitionOf: (name: string) => string): string[] {
  const all = new Map<string, string[]>()
  for (let number = 0; ; number += 1) {
    const name = `neighbour ${number}`
    const there = all.get(partitionOf(name)) ?? []
    there.push(name)
    all.set(partitionOf(name), there)
    if (there.length === count) return there
  }
}
