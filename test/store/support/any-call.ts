/** Calls of the store, at random, on few token ids, apps and message ids, so that they meet. */
import * as fc from 'fast-check'
import type { Message, Registering, Store } from '../../../store/index.ts'
import type { Selector } from '../../../topics/index.ts'
import type { Model } from './model.ts'

/** What the store and the model are both asked. */
export type Call = (target: Store | Model, now: number) => unknown

/** Two accounts on one device, and others. */
export const TOKENS = [
  { app: 'a', deviceMark: 'x' },
  { app: 'a', deviceMark: 'x' },
  { app: 'a', deviceMark: 'y' },
  { app: 'b', deviceMark: 'x' },
].map((place, number) => ({ ...place, tokenId: `${String(number).padStart(21, 'A')}A` }))
export const APPS = ['a', 'b']
export const VERSIONS = ['1.0.0', '1.7.0', '2.0.0', 'nightly']

export const TAGS = [[], ['beta'], ['beta', 'staff']]

const SELECTORS: Selector[] = [
  { kind: 'all' },
  { kind: 'exact', version: '1.0.0' },
  { kind: 'exact', version: '2.0.0' },
  { kind: 'range', range: '>=1.5' },
  { kind: 'all', tags: '{"any":["beta"]}' },
  { kind: 'exact', version: '1.0.0', tags: '{"none":["staff"]}' },
]
const DECADE = 10 * 365 * 86_400_000

const token = fc.constantFrom(...TOKENS)
const epoch = fc.nat(6)
const offset = fc.nat(25)
const state = fc.nat(9).map((byte) => Buffer.from([byte]))
const ID = fc.constantFrom('i', 'j', 'k')
const anyDraft = fc.record({
  id: ID,
  payload: fc.nat(12).map((length) => Buffer.alloc(length, 'x')),
  retain: fc.boolean(),
  ttl: fc.integer({ min: 1, max: 6_000 }),
  dedupe: fc.boolean(),
})
/** The same message each time that it is sent. */
const sameDraft = ID.map((id) => ({ id, payload: Buffer.from(id), retain: false, ttl: 3_000, dedupe: true }))
const draft = fc.oneof(anyDraft, sameDraft)
type Draft = typeof draft extends fc.Arbitrary<infer T> ? T : never

function messageOf({ id, payload, retain, ttl }: Draft, now: number): Message {
  return { id, payload, retain, storedAt: now, expiresAt: now + ttl }
}

const generation = fc.nat(4)
const details = fc.record(
  {
    accountMark: fc.constantFrom('', ...TOKENS.map(({ tokenId }) => tokenId)),
    epochs: fc.tuple(fc.nat(2), fc.nat(2)),
    tags: fc.constantFrom([], ['x'], ['x', 'y']),
    version: fc.constantFrom('', ...VERSIONS),
  },
  { requiredKeys: [] },
)
const registering: fc.Arbitrary<Registering> = fc.oneof(
  fc.constant({ kind: 'always' as const }),
  fc.record({ kind: fc.constant('renewal' as const), generation }),
  fc.record(
    {
      kind: fc.constant('free' as const),
      holder: fc.record({ tokenId: token.map(({ tokenId }) => tokenId), generation }),
    },
    { requiredKeys: ['kind'] },
  ),
)
const register = fc.tuple(token, registering, fc.constantFrom(1_000, DECADE), fc.option(details)).map(
  ([registration, registering, ttl, details]): Call =>
    (target, now) =>
      target.registerToken(
        { ...registration, expiresAt: now + ttl, ...(details === null ? {} : { details }) },
        registering,
      ),
)
const revoke = fc.tuple(token, fc.record({ generation, purge: fc.boolean() }, { requiredKeys: [] })).map(
  ([{ tokenId }, how]): Call =>
    (target) =>
      target.revokeToken(tokenId, how),
)
const append = fc.tuple(token, draft, fc.boolean()).map(
  ([{ tokenId }, draft, onlyCurrent]): Call =>
    (target, now) =>
      target.append({ tokenId, message: messageOf(draft, now), dedupe: draft.dedupe, onlyCurrent }),
)
const broadcast = fc.tuple(fc.constantFrom(...APPS), fc.constantFrom(...SELECTORS), draft).map(
  ([app, selector, draft]): Call =>
    (target, now) =>
      target.appendBroadcast({ app, selector, message: messageOf(draft, now), dedupe: draft.dedupe }),
)
const commit = fc.tuple(token, fc.record({ private: offset, broadcast: offset, epoch }, { requiredKeys: [] })).map(
  ([{ tokenId }, moves]): Call =>
    (target) =>
      target.commit([{ tokenId, ...moves }]),
)
const open = fc.tuple(token, generation, fc.boolean()).map(
  ([{ tokenId, app }, generation, cleanStart]): Call =>
    (target) =>
      target.openSession({ tokenId, app, generation, cleanStart }),
)
const save = fc.tuple(token, epoch, state).map(
  ([{ tokenId }, epoch, state]): Call =>
    (target) =>
      target.saveSession(tokenId, epoch, state),
)
const close = fc
  .tuple(token, epoch, fc.record({ state }, { requiredKeys: [] }), fc.option(fc.nat(3_000), { nil: Infinity }))
  .map(
    ([{ tokenId }, epoch, kept, after]): Call =>
      (target, now) =>
        target.closeSession(tokenId, epoch, { ...kept, stateExpiresAt: now + after }),
  )

export const anyCall: fc.Arbitrary<Call> = fc.oneof(
  { weight: 8, arbitrary: append },
  { weight: 4, arbitrary: broadcast },
  { weight: 4, arbitrary: commit },
  { weight: 4, arbitrary: open },
  { weight: 6, arbitrary: register },
  { weight: 2, arbitrary: save },
  { weight: 2, arbitrary: close },
  { weight: 2, arbitrary: revoke },
)
