// Do upstream logs, readers and groups, under any sequence of calls and restarts, do what a plain model of them does?
import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { t } from '../support/tap.ts'
import { openLevelStore, type Store } from '../../store/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { message } from './support/level.ts'
import { UpstreamModel } from './support/upstream-model.ts'

const APP = 'weather'
const IDS = Array.from({ length: 12 }, (_, number) => String(number).padStart(22, 'A'))
const NEVER = 2 ** 40
const EVERYTHING = { entries: 1_000, bytes: Infinity }

interface Both {
  readonly store: Store
  readonly model: UpstreamModel
  now: number
}

/** What the store and the model say to one call. */
type Step = (both: Both) => Promise<readonly [unknown, unknown]>

async function outcome(ask: Promise<unknown>): Promise<unknown> {
  try {
    return await ask
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

const ttl = fc.constantFrom(500, 3_000, 60_000, NEVER)
const owner = fc.integer({ min: 0, max: IDS.length - 1 })

const publish = fc.tuple(owner, ttl).map(
  ([owner, ttl]): Step =>
    async ({ store, model, now }) => {
      const append = store.appendUpstream({
        app: APP,
        tokenId: IDS[owner] ?? '',
        generation: 1,
        subject: 'state',
        message: message({ now, ttl }),
        as: 'stored',
      })
      return [await outcome(append), model.publish(owner, ttl, now)]
    },
)

function opening(readers: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  return fc.tuple(readers, ttl).map(
    ([reader, ttl]): Step =>
      async ({ store, model, now }) => {
        const expiresAt = now + ttl
        return [await store.openReader({ app: APP, reader, expiresAt }), model.open(reader, expiresAt)]
      },
  )
}

function closing(readers: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  return readers.map(
    (reader): Step =>
      async ({ store, model }) => {
        return [await store.closeReader(APP, reader), model.close(reader)]
      },
  )
}

function moving(readers: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  return fc.tuple(readers, fc.integer({ min: 0, max: 9 })).map(
    ([reader, more]): Step =>
      async ({ store, model }) => {
        const cursor = (model.unread(reader)[more] ?? 0) + (more % 2)
        return [await store.moveReader(APP, reader, [{ part: 0, cursor }]), model.move(reader, cursor)]
      },
  )
}

const member = fc.constantFrom('ann', 'bob')

const claiming = fc.tuple(member, fc.integer({ min: 1, max: 4 }), ttl).map(
  ([member, most, ttl]): Step =>
    async ({ store, model, now }) => {
      const limit = { entries: most, bytes: Infinity }
      const until = now + ttl
      const slice = await store.claimUpstream({ app: APP, reader: 'group', part: 0, member, until, limit })
      return [slice.entries.map(({ offset }) => offset), model.claim('group', member, most, until, now)]
    },
)

const settling = fc.tuple(member, fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 })).map(
  ([member, which]): Step =>
    async ({ store, model, now }) => {
      const offsets = which.map((at) => model.unread('group')[at] ?? at)
      await store.settleUpstream({ app: APP, reader: 'group', part: 0, member }, offsets)
      return [undefined, model.settle('group', member, offsets, now)]
    },
)

const releasing = member.map(
  (member): Step =>
    async ({ store, model }) => {
      await store.releaseClaims({ app: APP, reader: 'group', part: 0, member })
      return [undefined, model.release('group', member)]
    },
)

const passing = fc.integer({ min: 1, max: 4_000 }).map(
  (more): Step =>
    async (both) => {
      both.now += more
      await both.store.sweep()
      return [undefined, both.model.sweep(both.now)]
    },
)

const restarting = fc.constant<Step>(async ({ store, model }) => {
  await store.close()
  await store.open()
  return [undefined, model.restart()]
})

async function run(t: Parameters<typeof temporaryFolder>[0], most: number, steps: readonly Step[]): Promise<void> {
  const model = new UpstreamModel(most)
  const counts = { expired: 0, dropped: 0 }
  const store = openLevelStore({
    directory: temporaryFolder(t, 'level'),
    limits: { upstreamMessages: most, cachedTokens: 3, sweepMs: 2 ** 31 - 1 },
    now: () => both.now,
    observer: {
      expired: (_, count) => void (counts.expired += count),
      dropped: (_, count) => void (counts.dropped += count),
    },
  })
  const both: Both = { store, model, now: 1_800_000_000_000 }
  await store.open()
  try {
    for (const tokenId of IDS) {
      await store.registerToken({ tokenId, app: APP, deviceMark: tokenId, expiresAt: both.now + NEVER })
    }
    for (const step of steps) {
      const [actual, expected] = await step(both)
      deepStrictEqual(actual, expected)
      const { entries } = await store.readUpstream(APP, 0, 0, EVERYTHING)
      deepStrictEqual(
        entries.map(({ offset }) => offset),
        model.all(),
      )
      deepStrictEqual(counts.dropped, model.counts.dropped)
      // What a group has settled, and holds back no more, may count as expired or not.
      if (!model.readerEnded && !model.hasSettled) deepStrictEqual(counts.expired, model.counts.expired)
    }
  } finally {
    await store.close()
  }
}

function sequences(...weighted: readonly (readonly [weight: number, step: fc.Arbitrary<Step>])[]) {
  const step = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })))
  return fc.array(step, { minLength: 20, maxLength: 80, size: 'max' })
}

await t.test('readers of a log that fills', async (t) => {
  const reader = fc.constantFrom('one', 'two', 'three')
  const steps = sequences(
    [20, publish],
    [3, opening(reader)],
    [1, closing(reader)],
    [3, moving(reader)],
    [1, passing],
    [1, restarting],
  )
  await fc.assert(
    fc.asyncProperty(steps, (steps) => run(t, 10, steps)),
    { numRuns: 12 },
  )
  t.pass('the store answered and counted as the model did')
})

await t.test('a group beside a reader', async (t) => {
  const reader = fc.constantFrom('group', 'reader')
  const steps = sequences(
    [8, publish],
    [2, opening(reader)],
    [1, closing(reader)],
    [2, moving(fc.constant('reader'))],
    [6, claiming],
    [6, settling],
    [1, releasing],
    [1, passing],
    [1, restarting],
  )
  await fc.assert(
    fc.asyncProperty(steps, (steps) => run(t, 10_000, steps)),
    { numRuns: 12 },
  )
  t.pass('the store answered as the model did')
})
