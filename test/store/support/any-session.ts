/** Any sequence of calls on a few sessions by name, on one or two nodes: the store answers as a plain model of them does. */
import { deepStrictEqual, ok } from 'node:assert/strict'
import * as fc from 'fast-check'
import { PushError } from '../../../errors.ts'
import type { KnownNamedSession, SessionClose, Store } from '../../../store/contract.ts'
import { SessionModel } from './session-model.ts'
import { rowsOf, Table } from './subscriptions.ts'
import { EVERYTHING, text, type World } from './world.ts'

/** The limit that the scenario has. */
export const STORED_MESSAGES = 3
const LONGEST = 3_000
const NAMES = ['one', 'two']

interface Session {
  readonly name: string
  readonly model: SessionModel
  /** What was at each offset, in whichever of its logs. */
  readonly seen: Map<number, string>
}

interface Nodes {
  stores: readonly Store[]
  /** Of each. */
  tables: readonly Table[]
}

interface Run {
  readonly world: World
  readonly sessions: readonly Session[]
  /** The same for all runs. */
  readonly nodes: Nodes
}

class Step {
  readonly #call: string
  readonly perform: (run: Run) => Promise<void>

  constructor(call: string, perform: Step['perform']) {
    this.#call = call
    this.perform = perform
  }

  /** For who reads a sequence that failed. */
  [fc.toStringMethod](): string {
    return this.#call
  }
}

async function answerOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call
  } catch (error) {
    if (error instanceof PushError && error.code === 'SESSION_TAKEN_OVER') return error.code
    throw error
  }
}

const asText = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString()

/** A call on one session, by one of the nodes. */
function on<T>(
  call: string,
  arbitrary: fc.Arbitrary<T>,
  perform: (store: Store, session: Session, values: T, run: Run) => Promise<void>,
): fc.Arbitrary<Step> {
  const place = fc.record({ which: fc.nat(NAMES.length - 1), node: fc.nat(1) })
  return fc.tuple(place, arbitrary).map(
    ([{ which, node }, values]) =>
      new Step(`${call} ${NAMES[which]}, node ${node}: ${fc.stringify(values)}`, async (run) => {
        const session = run.sessions[which]
        const store = run.nodes.stores[node % run.nodes.stores.length]
        if (session !== undefined && store !== undefined) await perform(store, session, values, run)
      }),
  )
}

/** What a session that is held does, with an epoch. */
function holding<T>(
  call: string,
  arbitrary: fc.Arbitrary<T>,
  perform: (store: Store, session: Session, epoch: number, values: T) => Promise<void>,
): fc.Arbitrary<Step> {
  return under(call, arbitrary, async (store, session, epoch, values) => {
    if (!session.model.isOrphaned) await perform(store, session, epoch, values)
  })
}

/** With an epoch: 0 is the newest, 1 the one before. Nothing is done before there is one. */
function under<T>(
  call: string,
  arbitrary: fc.Arbitrary<T>,
  perform: (store: Store, session: Session, epoch: number, values: T, run: Run) => Promise<void>,
): fc.Arbitrary<Step> {
  return on(
    call,
    fc.tuple(fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1), arbitrary),
    async (store, session, [age, values], run) => {
      const epoch = session.model.epochs.at(-1 - age)
      if (epoch !== undefined) await perform(store, session, epoch, values, run)
    },
  )
}

const state = fc.string({ maxLength: 8 })
const uid = fc.constantFrom(undefined, 'u1', 'u2')
const time = fc.integer({ min: 1, max: LONGEST })

const open = on('open', fc.constantFrom(false, false, false, false, false, true), openOne)

async function openOne(store: Store, { name, model }: Session, cleanStart: boolean): Promise<void> {
  const { epoch, state, unclean } = await store.openNamedSession(name, cleanStart)
  deepStrictEqual({ state: asText(state), unclean }, model.open(epoch, cleanStart))
  ok(
    model.epochs.every((given) => given < epoch),
    'epochs only grow',
  )
  model.epochs.push(epoch)
}

const save = holding('save', state, async (store, { name, model }, epoch, state) => {
  deepStrictEqual(await answerOf(store.saveNamedSession(name, epoch, Buffer.from(state))), model.save(epoch, state))
})

const close = under(
  'close',
  fc.record({
    state: fc.option(state, { nil: undefined, freq: 6 }),
    after: fc.option(time, { nil: Infinity, freq: 3 }),
    will: fc.option(fc.tuple(time, state), { nil: undefined, freq: 3 }),
  }),
  async (store, { name, model }, epoch, { state, after, will }, { world: { now } }) => {
    if (model.hasWill) return
    const until = now + after
    const waits = will && { publishAt: Math.min(now + will[0], until), value: will[1] }
    const kept: SessionClose = {
      ...(state === undefined ? {} : { state: Buffer.from(state) }),
      ...(waits === undefined ? {} : { will: { ...waits, value: Buffer.from(waits.value) } }),
      stateExpiresAt: until,
    }
    await store.closeNamedSession(name, epoch, kept)
    model.close(epoch, { state, until, will: waits }, now)
  },
)

const anyAppend = fc.record({
  to: fc.subarray([0, 1], { minLength: 1 }),
  node: fc.nat(1),
  qos: fc.constantFrom(1 as const, 2 as const),
  size: fc.constantFrom(0, 5, 600),
  uid,
  ttl: fc.option(time, { nil: 1_000_000 }),
})
type Append = typeof anyAppend extends fc.Arbitrary<infer T> ? T : never

const append = anyAppend.map((values) => new Step(`append ${fc.stringify(values)}`, (run) => appendTo(run, values)))

async function appendTo(
  { world, sessions, nodes: { stores } }: Run,
  { to, node, qos, size, uid, ttl }: Append,
): Promise<void> {
  const message = world.message({ ttl, payload: 'x'.repeat(size) })
  const payload = text({ ...message, offset: 0 })
  const receivers = sessions.filter((_, at) => to.includes(at))
  const answers = await stores[node % stores.length]?.appendSessions({
    topic: 'a',
    message,
    to: receivers.map(({ name }) => ({ name, qos, retain: false, identifiers: [] })),
    ...(uid === undefined ? {} : { uid }),
  })
  const { expiresAt } = message
  deepStrictEqual(
    answers,
    receivers.map(({ model }) => model.append({ payload, expiresAt, qos, released: false }, uid)),
  )
}

const commit = under(
  'commit',
  fc.record({ done: fc.subarray([0, 1, 2, 3]), released: fc.subarray([0, 1, 2, 3]) }),
  async (store, { name, model }, epoch, { done, released }) => {
    // What comes after the close is of no use.
    if (epoch === model.epochs.at(-1) && !model.isHeld) return
    const { entries } = await store.readSession(name, 0, EVERYTHING)
    const offsets = (places: readonly number[]): number[] => places.flatMap((at) => entries[at]?.offset ?? [])
    const received = released.filter((at) => entries[at]?.qos === 2)
    const answer = await store.commitSession({ name, epoch, done: offsets(done), released: offsets(received) })
    deepStrictEqual(answer, model.commit(epoch, done, received))
  },
)

const forget = fc.constantFrom('u1', 'u2').map(
  (uid) =>
    new Step(`forget ${uid}`, async ({ nodes, sessions }) => {
      const names = sessions.map(({ name }) => name)
      await nodes.stores[0]?.forgetUid(uid, names)
      for (const { model } of sessions) model.forgetUid(uid)
    }),
)

const subscribe = under(
  'subscribe',
  fc.record({
    replaces: fc.constantFrom(false, false, true),
    filters: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.option(state, { nil: undefined })), { maxLength: 3 }),
  }),
  async (store, { name, model }, epoch, { replaces, filters }) => {
    const changes = filters.map(([filter, options]): [string, Uint8Array?] =>
      options === undefined ? [filter] : [filter, Buffer.from(options)],
    )
    const answer = await answerOf(store.changeSubscriptions({ name, epoch, replaces, filters: changes }))
    const expected = model.subscribe(epoch, replaces, filters)
    deepStrictEqual(typeof answer === 'number' ? undefined : answer, expected)
  },
)

const packetId = fc.constantFrom(1, 2, 65_535)
const remember = holding(
  'remember',
  fc.tuple(packetId, state),
  async (store, { name, model }, epoch, [packetId, text]) => {
    const uid = `uid ${text}`
    const answer = await answerOf(store.rememberReceived(name, epoch, packetId, uid))
    deepStrictEqual(answer, model.remember(epoch, packetId, uid))
  },
)
const release = holding('release', packetId, async (store, { name, model }, epoch, packetId) => {
  deepStrictEqual(await answerOf(store.releaseReceived(name, epoch, packetId)), model.release(epoch, packetId))
})

const takeWill = under('takeWill', time, async (store, { name, model }, epoch, time, { world: { now } }) => {
  const value = await store.takeWill({ name }, epoch, now + time)
  deepStrictEqual(asText(value), model.takeWill(epoch, now + time, now))
})
const willPublished = under('willPublished', fc.constant(undefined), async (store, { name, model }, epoch) => {
  await store.willPublished({ name }, epoch)
  model.willPublished(epoch)
})

async function passTime(
  {
    world,
    sessions,
    nodes: {
      stores: [store],
    },
  }: Run,
  time: number,
): Promise<void> {
  world.pass(time)
  await store?.sweep()
  for (const { model } of sessions) model.sweep(world.now)
}

const pass = time.map((time) => new Step(`pass ${time}`, (run) => passTime(run, time)))

/** Nobody has a will any longer that was taken before: where that is known only to the process that took it. */
const reopen = fc.constant(
  new Step('reopen', async (run) => {
    await passTime(run, LONGEST)
    await run.world.reopen()
    for (const { model } of run.sessions) model.reopen()
    await begin(run.world, run.nodes)
  }),
)

/** Each node's table of subscriptions is as the sessions are. */
const follow = fc.constant(new Step('follow', followAll))

async function followAll({ sessions, nodes: { tables } }: Run): Promise<void> {
  const wanted = rowsOf(new Map(sessions.map(({ name, model }) => [name, model.filters])))
  for (const table of tables) {
    const rows = Object.entries(await table.follow())
    deepStrictEqual(Object.fromEntries(rows.filter(([name]) => sessions.some((each) => each.name === name))), wanted)
  }
}

const STEPS: readonly (readonly [weight: number, step: fc.Arbitrary<Step>])[] = [
  [14, open],
  [3, save],
  [12, close],
  [24, append],
  [20, commit],
  [4, forget],
  [12, subscribe],
  [6, remember],
  [4, release],
  [12, takeWill],
  [3, willPublished],
  [6, pass],
  [1, reopen],
  [5, follow],
]

/** What is to be read of each session. */
async function compare({ sessions, world: { store } }: Run): Promise<void> {
  const slices = await Promise.all(sessions.map(({ name }) => store.readSession(name, 0, EVERYTHING)))
  for (const [at, { model, seen }] of sessions.entries()) {
    const { entries, end } = slices[at] ?? { entries: [], end: 0 }
    deepStrictEqual(
      entries.map((entry) => ({
        payload: text(entry),
        expiresAt: entry.released ? 0 : entry.expiresAt,
        qos: entry.qos,
        released: entry.released,
      })),
      model.log.map((entry) => (entry.released ? { ...entry, expiresAt: 0 } : entry)),
    )
    ok(entries.every(({ offset }, at) => offset > (entries[at - 1]?.offset ?? 0) && offset <= end))
    for (const { offset, id } of entries) {
      deepStrictEqual(seen.get(offset) ?? id, id, 'no offset is used twice')
      seen.set(offset, id)
    }
  }
}

async function compareInventory({
  sessions,
  nodes: {
    stores: [store],
  },
}: Run): Promise<void> {
  const found = new Map<string, KnownNamedSession>()
  for await (const session of store?.namedSessions() ?? []) found.set(session.name, session)
  for (const { name, model } of sessions) {
    const session = found.get(name)
    const known = session && {
      held: session.held,
      state: asText(session.state),
      until: session.expiresAt,
      received: [...session.received].sort(([one], [other]) => one - other),
      will: asText(session.will?.value),
    }
    if (model.known !== undefined || known?.state !== undefined) deepStrictEqual(known, model.known)
  }
}

async function begin(world: World, nodes: Nodes): Promise<void> {
  const other = await world.otherNode()
  nodes.stores = other === world.store ? [other] : [world.store, other]
  nodes.tables = nodes.stores.map((store) => new Table(store))
  for (const table of nodes.tables) await table.follow()
}

/** Rejects with the shortest sequence that an engine does not answer as it should. */
export async function anySession(world: World): Promise<void> {
  const nodes: Nodes = { stores: [], tables: [] }
  await begin(world, nodes)
  let runs = 0
  const step = fc.oneof(...STEPS.map(([weight, arbitrary]) => ({ weight, arbitrary })))
  const steps = fc.array(step, { minLength: 40, maxLength: 60, size: 'max' })
  const property = fc.asyncProperty(steps, async (steps) => {
    runs += 1
    const sessions = NAMES.map((name) => ({
      name: `${name} ${runs}`,
      model: new SessionModel(STORED_MESSAGES),
      seen: new Map<number, string>(),
    }))
    const run = { world, nodes, sessions }
    const before = world.counted.session.dropped
    for (const session of sessions) await openOne(world.store, session, false)
    for (const step of steps) {
      await step.perform(run)
      await compare(run)
    }
    // It goes over all that is stored.
    if (runs % 4 === 0) await compareInventory(run)
    const dropped = sessions.reduce((sum, { model }) => sum + model.counts.dropped, 0)
    deepStrictEqual(world.counted.session.dropped - before, dropped)
  })
  await fc.assert(property, {
    numRuns: world.engine.second === undefined ? 12 : 6,
    interruptAfterTimeLimit: 30_000,
    markInterruptAsFailure: true,
  })
}
