// When an upstream message cannot be sent yet (its packet id is in use, or its provider has just left), is it read once more, or for ever?
import { t } from '../support/tap.ts'
import type { UpstreamEntry } from '../../store/contract.ts'
import { UpstreamDrain, type UpstreamDrainContext } from '../../broker/session/upstream-drain.ts'
import { ProviderSubscriptions } from '../../broker/session/provider-subscriptions.ts'
import { LARGEST_PACKET } from '../../broker/codec/limits.ts'
import type { ConnectPacket } from '../../broker/codec/packets.ts'

const TOKEN = 'a'.repeat(22)
const entry = (offset: number): UpstreamEntry => ({
  offset,
  tokenId: TOKEN,
  subject: 'x',
  id: `m${offset}`,
  payload: Buffer.from('x'),
  retain: false,
  storedAt: 0,
  expiresAt: Infinity,
})

const PACKET_IDS = 65_535
/** A log whose newest entry has the packet id of its oldest. */
const LOG = [entry(1), entry(1 + PACKET_IDS)]
const END = 1 + PACKET_IDS
const SHARED_ID = 2

function drainOf(onRead: (context: { live: boolean }) => void) {
  const counters = { inc: () => undefined }
  const subscriptions = new ProviderSubscriptions()
  subscriptions.set({
    name: 'shop/u/#',
    group: undefined,
    app: 'shop',
    filter: 'shop/u/#',
    qos: 1,
    retainAsPublished: false,
    identifier: 0,
    retainedDue: false,
  })
  const seen = { reads: 0, written: 0 }
  const later: (() => void)[] = []
  const context = {
    live: true,
    connection: { writable: true, maximumPacketSize: LARGEST_PACKET, write: () => (seen.written += 1) },
    subscriptions,
    moved: () => undefined,
    roomMade: () => undefined,
    node: {
      now: () => 0,
      limits: { providerWindow: 10, topicAliases: 0, readBytes: 1_000 },
      metrics: {
        acknowledged: counters,
        delivered: counters,
        skipped: counters,
        redelivered: counters,
        dropped: counters,
      },
      logger: { warn: () => undefined },
      sessions: { later: (again: () => void) => later.push(again) },
      store: {
        async readUpstream(_app: string, _part: number, after: number) {
          seen.reads += 1
          if (seen.reads > 100) throw new Error('read again and again')
          onRead(context)
          return { entries: LOG.filter(({ offset }) => offset > after), readTo: END, end: END }
        },
      },
    },
  }
  const connect = { level: 4, properties: {} } as unknown as ConnectPacket
  const drain = new UpstreamDrain(context as unknown as UpstreamDrainContext, connect, [])
  return { drain, seen, later, context }
}

const parts = [{ part: 0, cursor: 0, end: END, missed: 0 }]
const turn = () => new Promise((resolve) => setImmediate(resolve))

await t.test('the packet id of an older message', async (t) => {
  const { drain, seen, later } = drainOf(() => undefined)
  drain.opened('shop', parts)
  await turn()
  t.equal(seen.written, 1, 'the oldest is sent')
  t.ok(seen.reads <= 2, `${seen.reads} reads`)
  t.same(later, [])
  drain.acknowledged(SHARED_ID)
  await turn()
  t.equal(seen.written, 2, 'the other when that is acknowledged')
})

await t.test('a provider that leaves while its log is read', async (t) => {
  const { drain, seen, later } = drainOf((context) => (context.live = false))
  drain.opened('shop', parts)
  await turn()
  t.equal(seen.written, 0)
  t.equal(seen.reads, 1)
  t.same(later, [])
})
