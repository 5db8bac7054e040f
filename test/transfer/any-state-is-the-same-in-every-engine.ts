// Whatever was done to a store: is it the same for devices after a move to Redis, and after one back?
import * as fc from 'fast-check'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { type KnownToken, openLevelStore, type Store } from '../../store/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { exportStore, importStore, noCounts, nothingImported, splitLines } from '../../store/transfer/index.ts'
import { accountMark, deviceMark, tokenId, type Selector } from '../../topics/index.ts'
import { startRedis, temporaryFolder } from '../support/index.ts'
import { snapshot } from './support/snapshot.ts'

const KEY = Buffer.alloc(32, 7)
const START = 1_800_000_000_000
const VERSIONS = ['1.0.0', '1.7.0', '2.0.0', 'nightly']
const SELECTORS: Selector[] = [
  { kind: 'all', tags: '{"any":["beta"]}' },
  { kind: 'exact', version: '1.0.0', tags: '{"all":["x"],"none":["beta"]}' },
  { kind: 'all' },
  { kind: 'exact', version: '1.0.0' },
  { kind: 'exact', version: '2.0.0' },
  { kind: 'range', range: '>=1.5' },
]
const TOKENS = [
  { app: 'a', device: 'x', account: '1' },
  { app: 'a', device: 'x', account: '2' },
  { app: 'a', device: 'y', account: '1' },
  { app: 'b', device: 'x', account: '' },
].map((triple) => ({
  tokenId: tokenId(KEY, triple),
  app: triple.app,
  deviceMark: deviceMark(triple.app, triple.device),
  expiresAt: START + 365 * 86_400_000,
}))
const LIMITS = { privateMessages: 5, broadcastMessages: 5, sweepMs: 2 ** 31 - 1 }

const someToken = fc.constantFrom(...TOKENS)
const draft = fc.record({
  payload: fc.uint8Array({ maxLength: 8 }),
  properties: fc.option(fc.uint8Array({ minLength: 1, maxLength: 8 }), { nil: undefined }),
  retain: fc.boolean(),
  collapseKey: fc.option(fc.constantFrom('k', 'l'), { nil: undefined }),
  receipt: fc.boolean(),
  ttl: fc.integer({ min: 1, max: 6_000 }),
})
const MARKS = ['1', '2'].map((account) => accountMark(KEY, 'a', account))
const details = fc.record(
  {
    accountMark: fc.constantFrom('', ...MARKS),
    epochs: fc.tuple(fc.nat(3), fc.nat(3)),
    tags: fc.constantFrom([], ['x'], ['x', 'y']),
    version: fc.constantFrom('', ...VERSIONS),
  },
  { requiredKeys: [] },
)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('register' as const), token: someToken, details }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), token: someToken }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), token: someToken, draft }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('broadcast' as const),
      app: fc.constantFrom('a', 'b'),
      selector: fc.constantFrom(...SELECTORS),
      draft,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      token: someToken,
      private: fc.nat(12),
      broadcast: fc.nat(12),
      marks: fc.record(
        {
          versions: fc.subarray(VERSIONS),
          passed: fc.array(fc.tuple(fc.constantFrom(...VERSIONS), fc.nat(12)), { maxLength: 2 }),
          skipped: fc.record({ private: fc.array(fc.nat(12)), broadcast: fc.array(fc.nat(12)) }),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), time: fc.integer({ min: 1, max: 2_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Draft = typeof draft extends fc.Arbitrary<infer T> ? T : never

class Clock {
  now = START
}

async function perform(store: Store, clock: Clock, step: Step, number: number): Promise<void> {
  const message = ({ payload, properties, retain, collapseKey, receipt, ttl }: Draft) => ({
    id: `id-${number}`,
    payload,
    ...(properties === undefined ? {} : { properties }),
    retain,
    ...(collapseKey === undefined ? {} : { collapseKey }),
    receipt,
    storedAt: clock.now,
    expiresAt: clock.now + ttl,
  })
  if (step.kind === 'register') await store.registerToken({ ...step.token, details: step.details })
  else if (step.kind === 'revoke') await store.revokeToken(step.token.tokenId)
  else if (step.kind === 'pass') clock.now += step.time
  else if (step.kind === 'sweep') await store.sweep()
  else if (step.kind === 'commit') {
    const { token, private: own, broadcast, marks } = step
    await store.commit([{ tokenId: token.tokenId, private: own, broadcast, ...marks }])
  } else if (step.kind === 'send') {
    // Refused when it is unknown or revoked.
    await store
      .append({ tokenId: step.token.tokenId, message: message(step.draft), dedupe: false })
      .catch(() => undefined)
  } else {
    await store.appendBroadcast({ app: step.app, selector: step.selector, message: message(step.draft), dedupe: false })
  }
}

const NO_TOPICS = {
  async *all() {},
  async *matching() {},
  retain: async () => {},
}

async function transfer(from: Store, to: Store, clock: Clock): Promise<void> {
  const lines = splitLines(
    exportStore(from, { id: 'x', secrets: [], topics: NO_TOPICS, tables: [], counts: noCounts() }),
  )
  await importStore(to, lines, { secrets: to, topics: NO_TOPICS, now: () => clock.now, imported: nothingImported() })
}

/** The index of accounts is as the token ids say. */
async function accountsAreRight(t: Test, store: Store, about: string): Promise<void> {
  const tokens: KnownToken[] = []
  for await (const token of store.tokens()) tokens.push(token)
  for (const mark of MARKS) {
    const expected = tokens
      .filter(({ details, current, revoked }) => details.accountMark === mark && current && !revoked)
      .map(({ registration, details }) => [registration.tokenId, details.epochs])
    const found = (await store.accountDevices(mark)).map(({ tokenId, epochs }) => [tokenId, epochs])
    t.same(found.toSorted(), expected.toSorted(), about)
  }
}

await t.test('level, Redis, level', async (t) => {
  const redis = await startRedis(t, { appendfsync: 'no' })
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      round += 1
      const clock = new Clock()
      const options = { limits: LIMITS, now: () => clock.now }
      const first = openLevelStore({ ...options, directory: temporaryFolder(t, 'level') })
      const second = openRedisStore({ ...options, url: redis.url, prefix: `round-${round}` })
      const third = openLevelStore({ ...options, directory: temporaryFolder(t, 'level') })
      const stores = [first, second, third]
      try {
        for (const store of stores) await store.open()
        for (const token of TOKENS) await first.registerToken(token)
        for (const [number, one] of steps.entries()) await perform(first, clock, one, number)
        const wanted = await snapshot(first, VERSIONS)
        await transfer(first, second, clock)
        t.same(await snapshot(second, VERSIONS), wanted, 'in Redis', { diagnostic: false })
        await transfer(first, second, clock)
        await transfer(second, third, clock)
        t.same(await snapshot(third, VERSIONS), wanted, 'back again', { diagnostic: false })
        await accountsAreRight(t, second, 'in Redis')
        await accountsAreRight(t, third, 'back again')
        return JSON.stringify(await snapshot(third, VERSIONS)) === JSON.stringify(wanted)
      } finally {
        for (const store of stores) await store.close()
      }
    }),
    { numRuns: 3 },
  )
})
