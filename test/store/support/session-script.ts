/** Every kind of change of what sessions by name, event logs and general topics have, one after the other, and all that can be read of it. */
import { eventLog, type LogEntry, type Message, type Store } from '../../../store/contract.ts'

export const START = 1_800_000_000_000
const HOUR = 3_600_000
const TOKEN = 'AAAAAAAAAAAAAAAAAAAAAA'
const LOG = eventLog('weather')
const EVERYTHING = { entries: 1_000, bytes: Infinity }
const NAMES = ['one', 'two']

type Call = (store: Store) => Promise<unknown>

function message(payload: string): Message {
  const bytes = Buffer.from(payload)
  return { id: `id ${payload.length}`, payload: bytes, retain: false, storedAt: START, expiresAt: START + HOUR }
}

async function epochOf(store: Store, name: string): Promise<number> {
  for await (const session of store.namedSessions()) if (session.name === name) return session.epoch
  return 0
}

async function offsetsOf(store: Store, name: string): Promise<number[]> {
  return (await store.readSession(name, 0, EVERYTHING)).entries.map(({ offset }) => offset)
}

/** Calls with the epoch that the session has. */
function under(name: string, call: (store: Store, epoch: number) => Promise<unknown>): Call {
  return async (store) => await call(store, await epochOf(store, name))
}

function append(payload: string, names = NAMES, uid?: string): Call {
  const to = names.map((name) => ({ name, qos: 2, retain: false, identifiers: [1] }) as const)
  const known = uid === undefined ? {} : { uid }
  return (store) => store.appendSessions({ topic: 'a', message: message(payload), to, ...known })
}

function commit(name: string, done: readonly number[], released: readonly number[]): Call {
  return under(name, async (store, epoch) => {
    const offsets = await offsetsOf(store, name)
    const of = (places: readonly number[]): number[] => places.map((at) => offsets[at] ?? 0)
    return await store.commitSession({ name, epoch, done: of(done), released: of(released) })
  })
}

function subscribe(name: string, replaces: boolean, ...filters: [string, Uint8Array?][]): Call {
  return under(name, (store, epoch) => store.changeSubscriptions({ name, epoch, replaces, filters }))
}

function close(name: string, state: string | undefined, publishAt?: number): Call {
  const will = publishAt === undefined ? {} : { will: { publishAt, value: Buffer.from('will') } }
  const kept = state === undefined ? {} : { state: Buffer.from(state), ...will }
  return under(name, (store, epoch) => store.closeNamedSession(name, epoch, { ...kept, stateExpiresAt: START + HOUR }))
}

const event = { app: 'weather', tokenId: TOKEN, subject: 'acknowledged' }
const topic = { topic: 'a/b', qos: 1 } as const

export const SCRIPT: readonly Call[] = [
  (store) => store.openNamedSession('one', false),
  (store) => store.openNamedSession('two', false, HOUR),
  subscribe('one', false, ['a/+', Buffer.from('1')], ['b', Buffer.from('2')]),
  subscribe('two', false, ['#', Buffer.from('3')]),
  append('short', NAMES, 'u1'),
  append('x'.repeat(2_000), NAMES, 'u2'),
  append('y'.repeat(600), ['two']),
  append('third'),
  commit('one', [0], []),
  commit('one', [], [0]),
  commit('two', [1], [0, 2]),
  commit('one', [0], []),
  append('short', NAMES, 'u1'),
  (store) => store.forgetUid('u1', NAMES),
  append('short', NAMES, 'u1'),
  subscribe('one', true, ['c', Buffer.from('4')]),
  subscribe('one', false, ['c'], ['d', Buffer.from('5')]),
  under('one', (store, epoch) => store.rememberReceived('one', epoch, 7, 'seven')),
  under('one', (store, epoch) => store.rememberReceived('one', epoch, 8, 'eight')),
  under('one', (store, epoch) => store.releaseReceived('one', epoch, 7)),
  under('two', (store, epoch) => store.saveNamedSession('two', epoch, Buffer.from('saved'))),
  close('one', 'kept', START),
  under('one', (store, epoch) => store.takeWill({ name: 'one' }, epoch, START + HOUR)),
  under('one', (store, epoch) => store.willPublished({ name: 'one' }, epoch)),
  (store) => store.openNamedSession('two', true),
  append('x'.repeat(900)),
  (store) => store.openNamedSession('one', false),
  close('two', undefined),
  (store) => store.openReader({ app: LOG, reader: 'reader', expiresAt: Infinity }),
  (store) =>
    store.appendEvents([
      { ...event, message: message('event') },
      { ...event, message: message('other') },
    ]),
  (store) => store.moveReader(LOG, 'reader', [{ part: 0, cursor: 1 }]),
  (store) => store.closeReader(LOG, 'reader'),
  async (store) => await store.retainedTopics?.retainTopic({ ...message('retained'), ...topic }),
  async (store) => await store.retainedTopics?.retainTopic({ ...message('newer'), ...topic }),
  async (store) => await store.retainedTopics?.retainTopic({ ...message(''), ...topic }),
]

const plain = ({ offset, id, payload, expiresAt }: LogEntry): string =>
  `${offset} ${id} ${payload.byteLength} ${expiresAt}`

/** As it would be after a restart too. */
export async function everything(store: Store): Promise<string> {
  const sessions: Record<string, unknown> = {}
  for await (const { name, state, will, received, epoch, held, keptMs } of store.namedSessions()) {
    const found = await store.subscriptionsOf(name)
    const { entries, end } = await store.readSession(name, 0, EVERYTHING)
    sessions[name] = {
      state: state && Buffer.from(state).toString(),
      will: will && Buffer.from(will.value).toString(),
      received: [...received].sort(([one], [other]) => one - other),
      filters: found?.filters.map(([filter, options]) => `${filter}=${Buffer.from(options).toString()}`).sort(),
      log: entries.map((entry) => `${plain(entry)} ${entry.released}`),
      end,
      epoch,
      held,
      keptMs,
    }
  }
  const changes = await store.readSubscriptions(0, 1_000)
  const subscribed: string[] = []
  for await (const { name, filters } of store.subscriptions()) {
    if (filters.length > 0)
      subscribed.push(
        `${name}: ${filters
          .map(([filter]) => filter)
          .sort()
          .join()}`,
      )
  }
  const events = await store.readUpstream(LOG, 0, 0, EVERYTHING)
  const topics: string[] = []
  for await (const entry of store.retainedTopics?.retainedTopics('') ?? []) topics.push(plain({ ...entry, offset: 0 }))
  return JSON.stringify({
    sessions: NAMES.map((name) => sessions[name]),
    changes: changes?.changes.map(({ offset, name, filters }) => [offset, name, filters.map(([filter]) => filter)]),
    subscribed: subscribed.sort(),
    events: [events.end, ...events.entries.map(plain)],
    readers: (await store.readersOf(LOG)).map(({ reader, parts }) => [reader, parts]),
    topics,
  })
}
