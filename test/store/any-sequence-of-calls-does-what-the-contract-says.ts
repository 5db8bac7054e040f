// Does the embedded engine, under any sequence of calls and restarts, do what a plain model of the contract does?
import { deepStrictEqual } from 'node:assert/strict'
import * as fc from 'fast-check'
import { t } from '../support/tap.ts'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import { openLevelStore, type Store } from '../../store/index.ts'
import { temporaryFolder } from '../support/folders.ts'
import { anyCall, APPS, type Call, TAGS, TOKENS, VERSIONS } from './support/any-call.ts'
import { Model } from './support/model.ts'

const LIMITS = {
  ...DEFAULT_LIMITS,
  privateMessages: 4,
  privateBytes: 30,
  broadcastMessages: 5,
  broadcastBytes: 50,
  dedupeMs: 2_000,
  lateAckMs: 0,
  deviceHoldMs: 2_000,
  sweepMs: 2 ** 31 - 1,
}
const EVERYTHING = { entries: 1_000, bytes: Infinity }

/** Calls of one moment, the passing of time, or what is done to the store. */
type Step = readonly Call[] | number | 'sweep' | 'reopen'

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.array(anyCall, { minLength: 1, maxLength: 8 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 3_000 }) },
  { weight: 2, arbitrary: fc.constant('sweep' as const) },
  { weight: 1, arbitrary: fc.constant('reopen' as const) },
)
/** So that a run does not begin with token ids that nobody knows. */
const known: readonly Call[] = TOKENS.map(
  (registration) => (target, now) => target.registerToken({ ...registration, expiresAt: now + 1e12 }),
)

/** Errors by their code. */
async function outcome(ask: () => unknown): Promise<unknown> {
  try {
    return await ask()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
}

async function everythingOf(target: Store | Model): Promise<unknown> {
  const tokens = TOKENS.map(async ({ tokenId }) => {
    const { entries } = await target.readPrivate(tokenId, 0, EVERYTHING)
    return [await target.lookupToken(tokenId), entries, await target.retainedPrivate(tokenId)]
  })
  const apps = APPS.map(async (app) => {
    const { entries } = await target.readBroadcast(app, 0, EVERYTHING)
    const readers = VERSIONS.flatMap((version) => TAGS.map((tags) => ({ version, tags })))
    const retained = readers.map(async ({ version, tags }) => await target.retainedBroadcast(app, version, tags))
    return [entries, await Promise.all(retained)]
  })
  return await Promise.all([...tokens, ...apps])
}

await t.test('any sequence of calls', async (t) => {
  const run = async (steps: readonly Step[]): Promise<void> => {
    let now = 1_800_000_000_000
    const counts = { expired: { private: 0, broadcast: 0 }, dropped: { private: 0, broadcast: 0 } }
    const observer = {
      expired: (kind: 'private' | 'broadcast', count: number) => void (counts.expired[kind] += count),
      dropped: (kind: 'private' | 'broadcast', count: number) => void (counts.dropped[kind] += count),
    }
    const directory = temporaryFolder(t, 'level')
    // A cache of two records, so that they are also read from the disk.
    const store = openLevelStore({ directory, limits: { ...LIMITS, cachedTokens: 2 }, now: () => now, observer })
    const model = new Model(LIMITS, () => now)
    await store.open()
    try {
      for (const step of [known, ...steps]) {
        if (typeof step === 'number') {
          now += step
        } else if (step === 'sweep') {
          model.sweep()
          await store.sweep()
        } else if (step === 'reopen') {
          await store.close()
          await store.open()
        } else {
          const expected = await Promise.all(step.map((call) => outcome(() => call(model, now))))
          deepStrictEqual(await Promise.all(step.map((call) => outcome(() => call(store, now)))), expected)
        }
        deepStrictEqual(await everythingOf(store), await everythingOf(model))
        deepStrictEqual(counts, model.counts)
      }
    } finally {
      await store.close()
    }
  }
  const steps = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' })
  await fc.assert(fc.asyncProperty(steps, run), { numRuns: 40 })
  t.pass('the store answered and counted as the model did')
})
