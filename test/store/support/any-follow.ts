/** Any sequence of what can happen to the messages of a private log, on a store and on a model of the contract. */
import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import {
  eventLog,
  type LogSlice,
  type Message,
  type Store,
  type StoreLimits,
  type UpstreamEntry,
} from '../../../store/contract.ts'
import { FollowModel, type ModelCommit, START } from './follow-model.ts'
import { APP, EVERYTHING, type MakeEngine, text } from './world.ts'

const LOG = eventLog(APP)
const TOKEN = 'AAAAAAAAAAAAAAAAAAAAAA'
const LIMITS = {
  privateMessages: 5,
  privateBytes: 30,
  dedupeMs: 5_000,
  lateAckMs: 2_000,
  sweepMs: 2 ** 31 - 1,
} satisfies Partial<StoreLimits>
const IDS = ['a', 'b', 'c', 'd']
/** Ids that the server made and that are still asked for. */
const LATEST = 6

interface Tested {
  readonly model: FollowModel
  store: Store
  generation: number
  /** Of the session, where one is open. */
  epoch: number | undefined
  readonly serverIds: string[]
}

/** Makes a call, and then says what the model says to it, which is told what the store has answered. */
type Call = (tested: Tested) => { readonly asked: Promise<unknown>; expected(answer: unknown): unknown }
/** Calls of one moment, or something that is done alone. */
type Step = readonly Call[] | ((tested: Tested, reopen: () => Promise<Store>) => Promise<void>)

const draft = fc.record({
  /** -1: the server makes it. */
  id: fc.oneof({ weight: 2, arbitrary: fc.constant(-1) }, { weight: 3, arbitrary: fc.nat(IDS.length - 1) }),
  collapse: fc.constantFrom(undefined, undefined, 'k', 'l'),
  receipt: fc.boolean(),
  retain: fc.constantFrom(false, false, false, true),
  ttl: fc.constantFrom(1_000, 3_000, 60_000),
  bytes: fc.constantFrom(0, 1, 1, 1, 12),
})
/** The same each time. */
const sameDraft = fc.nat(IDS.length - 1).map((id) => ({
  id,
  collapse: id === 0 ? 'k' : undefined,
  receipt: id < 2,
  retain: false,
  ttl: 3_000,
  bytes: 1,
}))

const send = fc.oneof(draft, sameDraft).map(
  ({ id, collapse, receipt, retain, ttl, bytes }): Call =>
    shown(
      ({ model, store, serverIds }) => {
        const dedupe = id >= 0
        const message: Message = {
          id: IDS[id] ?? `s${serverIds.length}`,
          payload: Buffer.alloc(bytes, 'x'),
          retain,
          storedAt: model.now,
          expiresAt: model.now + ttl,
          ...(collapse === undefined ? {} : { collapseKey: collapse }),
          ...(receipt ? { receipt } : {}),
        }
        if (!dedupe) serverIds.push(message.id)
        return {
          asked: store.append({ tokenId: TOKEN, message, dedupe }),
          expected: (answer) => model.append(message, dedupe, offsetIn(answer)),
        }
      },
      'send',
      { id, collapse, receipt, retain, ttl, bytes },
    ),
)

function offsetIn(answer: unknown): number | undefined {
  return typeof answer === 'object' && answer !== null && 'offset' in answer ? Number(answer.offset) : undefined
}

function isSeenIn(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'mayHaveBeenSeen' in answer && answer.mayHaveBeenSeen === true
}

/** Which of the last offsets: from the newest back. */
const some = fc.array(fc.nat(7), { maxLength: 3 })
const passedAs = fc.uniqueArray(fc.tuple(fc.nat(7), fc.boolean()), { maxLength: 3, selector: ([back]) => back })
const commit = fc.tuple(fc.nat(7), some, some, passedAs).map(
  ([upTo, skipped, taken, passedAs]): Call =>
    shown(
      ({ model, store, epoch }) => {
        const at = (back: number): number => model.offsets.at(-1 - back) ?? 0
        const moves: ModelCommit = {
          private: at(upTo),
          skipped: skipped.map(at),
          taken: taken.map(at),
          passedAs: passedAs.map(([back, isSent]) => [at(back), isSent ? 'sent' : 'expired'] as const),
        }
        const both = {
          skipped: { private: moves.skipped, broadcast: [] },
          taken: { private: moves.taken, broadcast: [] },
        }
        const fence = epoch === undefined ? {} : { epoch }
        return {
          asked: store.commit([{ tokenId: TOKEN, ...fence, ...moves, ...both }]),
          expected: () => {
            model.commit(moves)
            return []
          },
        }
      },
      'commit',
      { upTo, skipped, taken, passedAs },
    ),
)

const recall = fc.nat(IDS.length + 2).map(
  (which): Call =>
    shown(
      ({ model, store, serverIds }) => {
        const id = IDS[which] ?? serverIds.at(IDS.length - 1 - which) ?? 'none'
        return { asked: store.recall(TOKEN, id), expected: (answer) => model.recall(id, isSeenIn(answer)) }
      },
      'recall',
      which,
    ),
)

const passing = fc.constantFrom(500, 1_000, 2_000, 5_000).map(
  (more): Step =>
    shown(
      async ({ model }) => {
        model.now += more
      },
      'pass',
      more,
    ),
)
const sweeping = fc.constant<Step>(
  shown(async ({ model, store }) => {
    model.sweep()
    await store.sweep()
  }, 'sweep'),
)
const reopening = fc.constant<Step>(
  shown(async (tested, reopen) => {
    tested.store = await reopen()
  }, 'reopen'),
)
const purging = fc.constant<Step>(
  shown(async (tested) => {
    const { model, store } = tested
    await store.revokeToken(TOKEN, { purge: true })
    model.purge()
    tested.epoch = undefined
    tested.generation = await registered(store, model.now)
  }, 'purge'),
)
const lookingUp = fc.integer({ min: 1, max: 3 }).map(
  (entries): Step =>
    shown(
      async ({ model, store }) => {
        model.seen((await store.readPrivate(TOKEN, 0, { entries, bytes: 1_000 }, { handsOut: true })).entries)
      },
      'look up',
      entries,
    ),
)
const opening = fc.constant<Step>(
  shown(async (tested) => {
    const { store, model, generation } = tested
    const opened = await store.openSession({ tokenId: TOKEN, app: APP, generation, cleanStart: false })
    deepStrictEqual(opened.missed, model.missed)
    model.open()
    tested.epoch = opened.epoch
  }, 'open'),
)
const closing = fc.constant<Step>(
  shown(async (tested) => {
    const { store, model, epoch } = tested
    if (epoch === undefined) return
    await store.closeSession(TOKEN, epoch, { stateExpiresAt: 0 })
    model.close()
    tested.epoch = undefined
  }, 'close'),
)

const call = fc.oneof(
  { weight: 8, arbitrary: send },
  { weight: 3, arbitrary: commit },
  { weight: 2, arbitrary: recall },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.array(call, { minLength: 1, maxLength: 3 }) },
  { weight: 4, arbitrary: passing },
  { weight: 2, arbitrary: sweeping },
  { weight: 2, arbitrary: lookingUp },
  { weight: 1, arbitrary: opening },
  { weight: 1, arbitrary: closing },
  { weight: 1, arbitrary: purging },
  { weight: 1, arbitrary: reopening },
)

async function begin(store: Store): Promise<number> {
  return (await store.lookupToken(TOKEN))?.cursors.private ?? 0
}

async function registered(store: Store, now: number): Promise<number> {
  const registration = { tokenId: TOKEN, app: APP, deviceMark: TOKEN, expiresAt: now + 365 * 86_400_000 }
  return (await store.registerToken(registration)).generation
}

/** Errors by their code. */
async function outcome(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error.code
    throw error
  }
}

async function together(tested: Tested, calls: readonly Call[]): Promise<void> {
  const made = calls.map((call) => call(tested))
  const answers = await Promise.all(made.map(({ asked }) => outcome(asked)))
  for (const [at, { expected }] of made.entries()) deepStrictEqual(answers[at], expected(answers[at]))
}

async function compare({ store, model, serverIds }: Tested): Promise<void> {
  const slice = await store.readPrivate(TOKEN, 0, EVERYTHING)
  deepStrictEqual(
    slice.entries.map(({ id, offset }) => [id, offset]),
    model.pending(),
  )
  deepStrictEqual(slice.expired ?? [], model.expired())
  deepStrictEqual(slice.missed, model.missed)
  deepStrictEqual((await store.lookupToken(TOKEN))?.cursors.private, model.cursor)
  deepStrictEqual((await store.retainedPrivate(TOKEN))?.id, model.retainedId())
  for (const id of [...IDS, ...serverIds.slice(-LATEST)])
    deepStrictEqual(await store.messageStatus(TOKEN, id), model.status(id), id)
  const receipts = await store.readUpstream(LOG, store.upstreamPart(TOKEN), 0, EVERYTHING)
  deepStrictEqual(toldIn(receipts), model.events.toSorted())
}

/** The order of ends of one step is the engine's own. */
function toldIn({ entries }: LogSlice<UpstreamEntry>): string[] {
  return entries.map((entry) => `${entry.id} ${entry.subject} ${text(entry)}`).toSorted()
}

/** What is done alone, and what is done at one moment, as a counterexample shows it. */
function shown<T extends object>(what: T, name: string, ...how: readonly unknown[]): T {
  return Object.assign(what, { [fc.toStringMethod]: () => `${name} ${fc.stringify(how)}` })
}

export async function anyFollowing(makeEngine: MakeEngine, runs: Parameters<typeof fc.assert>[1]): Promise<void> {
  const run = async (isRead: boolean, steps: readonly Step[]): Promise<void> => {
    let model: FollowModel | undefined
    const engine = await makeEngine({ limits: LIMITS, now: () => model?.now ?? START })
    try {
      const { store } = engine
      const generation = await registered(store, START)
      model = new FollowModel(LIMITS, TOKEN, await begin(store))
      if (isRead) await store.openReader({ app: LOG, reader: 'reader', expiresAt: Infinity })
      const tested: Tested = { store, model, generation, epoch: undefined, serverIds: [] }
      for (const step of steps) {
        if (typeof step === 'function') await step(tested, () => engine.reopen())
        else await together(tested, step)
        await compare(tested)
      }
    } finally {
      await engine.close()
    }
  }
  const steps = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' })
  await fc.assert(fc.asyncProperty(fc.boolean(), steps, run), runs)
}
