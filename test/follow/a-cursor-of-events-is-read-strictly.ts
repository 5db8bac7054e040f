// Is a cursor of events taken back as it was given, and anything else refused, whatever somebody makes of it?
import * as fc from 'fast-check'
import { t } from '../support/tap.ts'
import { decodeEventCursor, encodeEventCursor } from '../../bridge/events/event-cursor.ts'
import { readerOf } from '../../bridge/events/consumers.ts'
import { issueToken } from '../support/index.ts'
import { acknowledge, drain, eachEngine, look, receipt } from './support/events.ts'
import { APP } from './support/node.ts'

const PARTS = 256
const OWNER = { app: APP, reader: 'http shop/billing', parts: PARTS }

const moves = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: PARTS - 1 }), fc.maxSafeNat(), fc.nat()), {
    selector: ([part]) => part,
  })
  .map((all) =>
    all
      .sort(([a], [b]) => a - b)
      .map(([part, cursor, missed]) => (missed === 0 ? { part, cursor } : { part, cursor, missed })),
  )

t.test('as it was given', (t) => {
  fc.assert(
    fc.property(moves, moves, (events, upstream) => {
      const cursor = encodeEventCursor(OWNER, { events, upstream })
      t.strictSame(decodeEventCursor(OWNER, cursor), { events, upstream })
    }),
    { numRuns: 200 },
  )
  const all = Array.from({ length: PARTS }, (_, part) => ({ part, cursor: 2 ** 45 + part, missed: 3 }))
  t.ok(encodeEventCursor(OWNER, { events: all, upstream: all }).length < 8 * 1024, 'a few KiB at most')
  t.end()
})

t.test('anything else', (t) => {
  const cursor = encodeEventCursor(OWNER, { events: [{ part: 3, cursor: 5_000 }], upstream: [] })
  const refused = (text: string, owner = OWNER) =>
    t.throws(() => decodeEventCursor(owner, text), { code: 'CURSOR_INVALID' }, text)
  for (const owner of [
    { ...OWNER, app: 'chat' },
    { ...OWNER, reader: 'http shop/other' },
    { ...OWNER, parts: 1 },
  ])
    refused(cursor, owner)
  for (const text of ['', 'A', `${cursor}A`, `${cursor}=`, ` ${cursor}`, cursor.slice(1), cursor.slice(0, -1)])
    refused(text)
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(cursor, 'base64url')
      bytes[at % bytes.length]! ^= change
      refused(bytes.toString('base64url'))
    }),
    { numRuns: 100 },
  )
  refused(encodeEventCursor(OWNER, { events: [{ part: PARTS, cursor: 1 }], upstream: [] }))
  refused(encodeEventCursor(OWNER, { events: [{ part: 0, cursor: 2 ** 53 }], upstream: [] }))
  t.end()
})

await eachEngine(t, async (t, start) => {
  const api = await start()
  const phone = await issueToken(api, { app: APP, device: 'phone' })
  const other = await issueToken(api, { app: APP, device: 'tablet' })
  await look(api, { consumer: 'another' })
  await look(api)
  for (const id of ['1', '2']) for (const each of [phone, other]) await receipt(api.store, each, id)
  const owner = { app: APP, reader: readerOf('all', 'billing'), parts: api.store.upstreamParts }
  const all = Array.from({ length: owner.parts }, (_, part) => ({
    part,
    cursor: Number.MAX_SAFE_INTEGER,
    missed: 2 ** 40,
  }))
  const made = encodeEventCursor(owner, { events: all, upstream: [] })
  t.match(await acknowledge(api, made), { body: { code: 'CURSOR_INVALID' } }, 'who makes one up is told')
  t.equal((await drain(api)).events.length, 4, 'and has lost nothing')
  await receipt(api.store, phone, '3')
  t.match((await drain(api)).events, [{ id: '3' }])
  t.equal((await drain(api, { consumer: 'another' })).events.length, 5, 'nor has anybody else')
  const upstream = encodeEventCursor(owner, { events: [], upstream: all })
  t.match(await acknowledge(api, upstream), { body: { code: 'CURSOR_INVALID' } })
})
