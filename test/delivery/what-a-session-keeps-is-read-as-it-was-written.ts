// Does a session come back with all that it was kept with?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { decodeState, encodeState, type SessionState } from '../../broker/session/session-state.ts'
import type { QoS } from '../../broker/codec/packets.ts'

const offset = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const packetId = fc.integer({ min: 1, max: 0xffff })
const subscription = fc.record(
  {
    filter: fc.string({ unit: 'grapheme', minLength: 1 }),
    qos: fc.constantFrom<QoS>(0, 1),
    retainAsPublished: fc.boolean(),
    identifier: fc.integer({ min: 0, max: 268_435_455 }),
    retainedDue: fc.boolean(),
    retainedSent: fc.record({ packetId, offset }, { noNullPrototype: true }),
  },
  {
    requiredKeys: ['filter', 'qos', 'retainAsPublished', 'identifier', 'retainedDue'],
    noNullPrototype: true,
  },
)
const state: fc.Arbitrary<SessionState> = fc.record(
  {
    subscriptions: fc.array(subscription, { maxLength: 5 }),
    sentPrivate: offset,
    sentBroadcast: offset,
    retainedPrivate: offset,
    retainedBroadcast: offset,
  },
  { noNullPrototype: true },
)

t.test('any state', async (t) => {
  fc.assert(
    fc.property(state, (kept) => {
      t.strictSame(decodeState(encodeState(kept)), kept)
    }),
  )
  t.equal(decodeState(Buffer.from('{"v":2}')), undefined, 'of a later version')
})
