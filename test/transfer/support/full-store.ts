/** A store with something of all that an export holds beside tokens and their messages, and what is to be found of it again. */
import { eventLog, type LogEntry, type Message, type SessionOwner, type Store } from '../../../store/contract.ts'
import type { RetainedMessages } from '../../../broker/index.ts'
import { deviceMark, tokenId } from '../../../topics/index.ts'

const KEY = Buffer.alloc(32, 7)
export const START = 1_800_000_000_000
const DAY = 86_400_000
const EVERYTHING = { entries: 10_000, bytes: Infinity }

const DEVICES = Array.from({ length: 5 }, (_, number) => {
  const place = { app: 'a', device: `device ${number}`, account: '' }
  return {
    tokenId: tokenId(KEY, place),
    app: 'a',
    deviceMark: deviceMark('a', place.device),
    expiresAt: START + 400 * DAY,
  }
})

/** The tables that move. */
export const TABLES = ['keys', 'codes']

let made = 0
function message(payload: string | Uint8Array, ttl = DAY, retain = false): Message {
  made += 1
  const properties = made % 3 === 0 ? { properties: Buffer.from([1, made % 2]) } : {}
  return {
    id: `id ${made}`,
    payload: Buffer.from(payload),
    ...properties,
    retain,
    storedAt: START,
    expiresAt: START + ttl,
  }
}

export interface Place {
  readonly store: Store
  readonly topics: RetainedMessages
}

/** In place of one that `fill` retained. */
export const RETAINED_SINCE = {
  ...message('newer', DAY, true),
  topic: '$x',
  qos: 1 as const,
  id: 'since',
}

export async function fill({ store, topics }: Place): Promise<void> {
  for (const device of DEVICES) await store.registerToken(device)
  await fillLogs(store)
  await fillSessions(store)
  for (let number = 0; number < 30; number += 1) {
    const table = TABLES[number % 2] ?? ''
    const ends = number === 4 ? START + 1 : START + DAY * number
    const value = Buffer.from([number, 0, 255])
    await store.writeRow({ table, key: `ä ${number}`, value, ...(number % 3 === 0 ? {} : { expiresAt: ends }) })
  }
  await store.writeRow({ table: 'stays', key: 'x', value: Buffer.from('x') })
  for (const topic of ['a', 'a/b', 'ä', '$x']) {
    await topics.retain({ ...message(topic, DAY, true), topic, qos: topic === 'ä' ? 0 : 2 })
  }
}

/** What small tables hold, as text. */
export async function rowsOf({ store }: Place): Promise<string[]> {
  const rows = await Promise.all([...TABLES, 'stays'].map((table) => store.readRows(table, '', 1_000)))
  return rows.flat().map(({ key, value, expiresAt }) => `${key}=${Buffer.from(value).toString('hex')} ${expiresAt}`)
}

/** What general topics retain, as text, in the order of their names. */
export async function retainedOf({ topics }: Place): Promise<unknown[][]> {
  const found: unknown[][] = []
  for await (const { topic, qos, id, payload, properties, storedAt, expiresAt } of topics.all())
    found.push([topic, qos, id, Buffer.from(payload).toString(), [...(properties ?? [])], storedAt, expiresAt])
  return found.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1))
}

async function fillLogs(store: Store): Promise<void> {
  for (const log of ['a', eventLog('a')]) {
    for (const reader of ['near', 'group', 'away'])
      await store.openReader({ app: log, reader, expiresAt: reader === 'away' ? Infinity : START + 9 * DAY })
  }
  await store.openReader({ app: eventLog('elsewhere'), reader: 'away', expiresAt: Infinity })
  await store.openReader({ app: 'a', reader: 'ends', expiresAt: START + 1 })
  for (let round = 0; round < 8; round += 1) {
    for (const [number, { tokenId }] of DEVICES.entries()) {
      const append = { app: 'a', tokenId, subject: `s/${round}`, message: message(`${round} of ${number}`) }
      await store.appendUpstream({ ...append, generation: 1, as: 'stored' })
      await store.appendEvents([append, { ...append, app: 'elsewhere', message: message('', round < 4 ? 1_000 : DAY) }])
    }
    if (round === 4) await passAll(store, 'near')
    if (round === 2) await passAll(store, 'group')
  }
  await settleSome(store)
  for (const [number, { tokenId }] of DEVICES.entries()) {
    const append = { app: 'a', tokenId, generation: 1, as: 'told' } as const
    for (const subject of ['kept', `kept/${number}`])
      await store.appendUpstream({ ...append, subject, message: message(subject, DAY, true) })
  }
}

async function passAll(store: Store, reader: string): Promise<void> {
  for (const log of ['a', eventLog('a')]) {
    const parts = await store.openReader({ app: log, reader, expiresAt: 0 })
    await store.moveReader(
      log,
      reader,
      parts.map(({ part, end }) => ({ part, cursor: end })),
    )
  }
}

/** One that its cursor does not pass yet. */
async function settleSome(store: Store): Promise<void> {
  const part = store.upstreamPart(DEVICES[0]?.tokenId ?? '')
  const member = { app: 'a', reader: 'group', part, member: 'ann' }
  const { entries } = await store.claimUpstream({
    ...member,
    until: START + 1_000,
    limit: { entries: 3, bytes: Infinity },
  })
  await store.settleUpstream(
    member,
    entries.slice(1).map(({ offset }) => offset),
  )
}

async function fillSessions(store: Store): Promise<void> {
  const open = async (name: string, keptMs?: number): Promise<number> => {
    const { epoch } = await store.openNamedSession(name, false, keptMs)
    await store.changeSubscriptions({ name, epoch, replaces: false, filters: filtersOf(name) })
    await store.rememberReceived(name, epoch, 1, `one of ${name}`)
    await store.rememberReceived(name, epoch, 65_535, `last of ${name}`)
    return epoch
  }
  const names = ['kept', 'kept for ever', 'p/shop/held', 'over']
  const [kept = 0, forEver = 0, held = 0, over = 0] = await Promise.all(names.map((name) => open(name, DAY)))
  for (let count = 0; count < 12; count += 1) {
    const to = names.map((name) => ({ name, qos: 2, retain: count % 2 === 0, identifiers: [1, count + 1] }) as const)
    await store.appendSessions({ topic: `t/${count}`, message: message('x'.repeat(100 * count)), to })
  }
  for (const [name, epoch] of [
    ['kept', kept],
    ['p/shop/held', held],
  ] as const) {
    const offsets = (await store.readSession(name, 0, EVERYTHING)).entries.map(({ offset }) => offset)
    const released = [offsets[1] ?? 0, offsets[4] ?? 0]
    await store.commitSession({ name, epoch, done: [offsets[0] ?? 0, offsets[2] ?? 0], released })
  }
  const will = { publishAt: START + DAY, value: Buffer.from('will') }
  await store.closeNamedSession('kept', kept, { state: Buffer.from('state'), stateExpiresAt: START + 2 * DAY, will })
  await store.closeNamedSession('kept for ever', forEver, { state: Buffer.alloc(0), stateExpiresAt: Infinity })
  await store.saveNamedSession('p/shop/held', held, Buffer.from('held'))
  const soon = { ...will, publishAt: START + 1 }
  await store.closeNamedSession('over', over, { state: Buffer.alloc(1), stateExpiresAt: START + 1, will: soon })
}

function filtersOf(name: string): [string, Uint8Array][] {
  return Array.from({ length: name === 'kept' ? 250 : 2 }, (_, at) => [`${name}/${at}/+`, Buffer.from([at % 256])])
}

const plain = (entry: LogEntry) => ({
  id: entry.id,
  payload: Buffer.from(entry.payload).toString('hex'),
  properties: entry.properties && Buffer.from(entry.properties).toString('hex'),
  retain: entry.retain,
  storedAt: entry.storedAt,
  expiresAt: entry.expiresAt,
})

/** For each log and reader that lives, what it has not passed of each token id, in order. */
export async function unreadOf(store: Store, now: number): Promise<Record<string, unknown[]>> {
  const unread: Record<string, unknown[]> = {}
  for await (const log of store.upstreamLogs()) {
    for (const { reader, expiresAt, parts } of await store.readersOf(log)) {
      if (expiresAt <= now) continue
      unread[`${log} ${reader} ${expiresAt}`] = []
      for (const { part, cursor, end } of parts) {
        if (cursor >= end) continue
        for (const entry of (await store.readUpstream(log, part, cursor, EVERYTHING)).entries) {
          const list = (unread[`${log} ${reader} ${expiresAt} ${entry.tokenId}`] ??= [])
          list.push({ subject: entry.subject, ...plain(entry) })
        }
      }
    }
  }
  return unread
}

/** All the rest. `over` is known by its will alone. */
export async function namedOf(store: Store, now: number): Promise<unknown> {
  const retained: unknown[] = []
  for await (const entry of store.retainedUpstream('a')) retained.push([entry.tokenId, entry.subject, plain(entry)])
  const sessions: Record<string, unknown> = {}
  for await (const { epoch, ...session } of store.namedSessions()) {
    if (session.name.startsWith('import/')) continue
    const owner: SessionOwner = { name: session.name }
    const will = await store.takeWill(owner, epoch, now)
    const { entries } = await store.readSession(session.name, 0, EVERYTHING)
    const { filters } = (await store.subscriptionsOf(session.name)) ?? { filters: [] }
    sessions[session.name] =
      session.name === 'over'
        ? will && Buffer.from(will).toString()
        : {
            ...session,
            state: session.state && Buffer.from(session.state).toString(),
            will: session.will && { ...session.will, value: Buffer.from(session.will.value).toString() },
            received: [...session.received].sort(([one], [other]) => one - other),
            filters: filters.map(([filter, options]) => `${filter}=${Buffer.from(options).toString('hex')}`).sort(),
            log: entries.map(({ topic, qos, identifiers, released, ...entry }) => ({
              topic,
              qos,
              identifiers,
              released,
              ...plain(entry),
            })),
          }
  }
  return { retained: retained.map((each) => JSON.stringify(each)).sort(), sessions: sorted(sessions) }
}

function sorted(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1)))
}
