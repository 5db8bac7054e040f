/** What devices would get from a store, in a form that is the same for every engine. */
import { type Store, type TokenId } from '../../../store/index.ts'
import type { BroadcastEntry, Cursors, LogEntry } from '../../../store/contract.ts'
import { acknowledgedUnder, standing } from '../../../store/marks.ts'
import { Selections } from '../../../topics/index.ts'

const ALL = { entries: 100_000, bytes: Infinity }

const plain = ({ id, payload, properties, storedAt, expiresAt, collapseKey, receipt = false }: LogEntry) => ({
  id,
  payload: Buffer.from(payload).toString('hex'),
  properties: properties && Buffer.from(properties).toString('hex'),
  storedAt,
  expiresAt,
  collapseKey,
  receipt,
})

/** What is retained may have ended, and then it replaces nothing and has no receipt. */
const kept = ({ collapseKey: _key, receipt: _receipt, ...entry }: LogEntry) => plain(entry)

const selections = new Selections()

/** Of a device whose tags are right. */
function isPending(cursors: Cursors, { offset, selector }: BroadcastEntry, version: string): boolean {
  const test = selections.versionTest(selector)
  if (!test(version)) return false
  if (cursors.marks?.skippedBroadcast.includes(offset) === true) return true
  return offset > standing(cursors, version) && !acknowledgedUnder(cursors, offset, version).some(test)
}

/** With `versions`, of which broadcasts are asked. */
export async function snapshot(store: Store, versions: readonly string[] = []) {
  const tokens = new Map<TokenId, unknown>()
  const apps = new Set<string>()
  for await (const token of store.tokens()) {
    const { registration, generation, revoked, current, cursors, details, lastSeen } = token
    const { tokenId, app, deviceMark, expiresAt } = registration
    const pending = await store.readPrivate(tokenId, 0, ALL)
    const broadcasts = await store.readBroadcast(app, cursors.broadcast, ALL)
    const all = (await store.readBroadcast(app, 0, ALL)).entries
    const retained = await store.retainedPrivate(tokenId)
    tokens.set(tokenId, {
      app,
      deviceMark,
      expiresInSeconds: Math.ceil(expiresAt / 1000),
      generation,
      revoked,
      current,
      details,
      lastSeen,
      pending: pending.entries.map(plain),
      broadcasts: broadcasts.entries.map(plain),
      selectors: broadcasts.entries.map(({ selector }) => selector),
      byVersion: versions.map((version) => all.filter((entry) => isPending(cursors, entry, version)).map(plain)),
      retained: retained && kept(retained),
    })
    apps.add(app)
  }
  const retained: Record<string, unknown> = {}
  for (const app of apps) {
    for (const version of versions) {
      for (const tags of [[], ['beta']]) {
        const entry = await store.retainedBroadcast(app, version, tags)
        retained[`${app} ${version} ${tags.join()}`] = entry && kept(entry)
      }
    }
  }
  return { tokens: Object.fromEntries([...tokens].sort(([one], [other]) => (one < other ? -1 : 1))), retained }
}
