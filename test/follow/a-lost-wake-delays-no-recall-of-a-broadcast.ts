// Is a broadcast that was recalled sent by no node a second later, where the wake that says so is lost?
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { type Arrival, type BroadcastListener, BroadcastFanout } from '../../broker/session/broadcast-fanout.ts'
import { Turns } from '../../common/turns.ts'
import type { BroadcastEntry, ReadLimit, Store } from '../../store/contract.ts'
import { Selections } from '../../topics/index.ts'
import { eventually } from '../support/index.ts'

const LIMIT: ReadLimit = { entries: 20, bytes: 1_000_000 }
const SECOND = 1_000

/** An app's log, its clock and its fan-out, which hears what the test tells it. */
async function openLog() {
  let now = 0
  let end = 0
  let reads = 0
  const log = new Map<number, BroadcastEntry>()
  const readBroadcast: Store['readBroadcast'] = async (_, after, { entries: most }) => {
    reads += 1
    const entries = [...log.values()].filter(({ offset }) => offset > after).slice(0, most)
    return { entries, readTo: entries.length < most ? end : (entries.at(-1)?.offset ?? end), end }
  }
  const store = { readBroadcast } as Partial<Store> as Store
  const shared = { selections: new Selections(), turns: new Turns(), untold: () => undefined }
  const clocks = { now: () => now, monotonic: () => now }
  const fanout = new BroadcastFanout('shop', { store, logger: pino({ enabled: false }), ...shared, ...clocks })
  const append = (storedAt = now): BroadcastEntry => {
    end += 1
    const rest = { payload: Buffer.from('news'), retain: false, storedAt, expiresAt: Infinity }
    const entry: BroadcastEntry = { id: `${end}`, offset: end, selector: { kind: 'all' }, ...rest }
    log.set(end, entry)
    return entry
  }
  await fanout.read(0, LIMIT)
  return {
    fanout,
    append,
    recall: (offset: number) => void log.delete(offset),
    wait: (ms: number) => void (now += ms),
    reads: () => reads,
  }
}

const offsetsOf = (arrivals: readonly Arrival[]) => arrivals.map(({ entry }) => entry.offset)
const offsetsIn = ({ entries }: { readonly entries: readonly BroadcastEntry[] }) => entries.map(({ offset }) => offset)

function listener(arrived: (arrivals: readonly Arrival[]) => void): BroadcastListener {
  return { broadcastsArrived: arrived, broadcastGrew: () => undefined, broadcastTold: () => undefined }
}

await t.test('what is kept for those who read behind', async (t) => {
  const { fanout, append, recall, wait, reads } = await openLog()
  fanout.add(
    '1.0.0',
    listener(() => undefined),
  )
  for (let count = 0; count < 3; count += 1) {
    const entry = append()
    fanout.woken(entry.offset, entry)
  }
  await eventually('all of them', () => fanout.handed === 3)
  const before = reads()
  t.same(offsetsIn(await fanout.read(0, LIMIT)), [1, 2, 3])
  t.equal(reads(), before, 'from memory')
  recall(2)
  wait(SECOND)
  const behind = await Promise.all(Array.from({ length: 50 }, () => fanout.read(0, LIMIT)))
  for (const slice of behind) t.same(offsetsIn(slice), [1, 3])
  t.equal(reads(), before + 1, 'one look for all of them')
  t.same(offsetsIn(await fanout.read(1, LIMIT)), [3])
  t.equal(reads(), before + 1)
})

await t.test('what waits for the entry before it', async (t) => {
  const { fanout, append, recall, wait } = await openLog()
  const arrived: number[] = []
  fanout.add(
    '1.0.0',
    listener((arrivals) => void arrived.push(...offsetsOf(arrivals))),
  )
  const [first, second, third] = [append(), append(), append()]
  fanout.woken(second.offset, second)
  fanout.woken(third.offset, third)
  recall(2)
  wait(SECOND)
  fanout.woken(first.offset, first)
  await eventually('all of them', () => fanout.handed === 3)
  t.same(arrived, [1, 3])
})

await t.test('what is on its way to many devices', async (t) => {
  const { fanout, append, recall, wait, reads } = await openLog()
  const arrived: number[][] = []
  const recalledAt = 1_500
  for (let device = 0; device < 4_000; device += 1) {
    fanout.add(
      '1.0.0',
      listener((arrivals) => {
        arrived.push(offsetsOf(arrivals))
        if (arrived.length !== recalledAt) return
        recall(1)
        wait(SECOND)
      }),
    )
  }
  const before = reads()
  const entries = [append(), append()]
  for (const entry of entries) fanout.woken(entry.offset, entry)
  await eventually('all of them', () => fanout.handed === 2)
  t.equal(arrived.length, 4_000)
  t.same(
    arrived.slice(0, recalledAt),
    Array.from({ length: recalledAt }, () => [1, 2]),
  )
  t.same(arrived.at(-1), [2])
  const late = arrived.slice(recalledAt).filter((offsets) => offsets.includes(1)).length
  t.ok(late < 1_000, `${late} in the same turn of the event loop`)
  t.equal(reads(), before + 1)
})

await t.test('what a node that stood still hears late', async (t) => {
  const { fanout, append, recall, wait } = await openLog()
  const arrived: number[] = []
  fanout.add(
    '1.0.0',
    listener((arrivals) => void arrived.push(...offsetsOf(arrivals))),
  )
  const [first, second] = [append(), append()]
  recall(1)
  wait(SECOND)
  fanout.woken(first.offset, first)
  fanout.woken(second.offset, second)
  await eventually('all of them', () => fanout.handed === 2)
  t.same(arrived, [2])
})

await t.test('one whose wake is heard is sent to nobody more', async (t) => {
  const { fanout, append, recall } = await openLog()
  const arrived: number[][] = []
  for (let device = 0; device < 4_000; device += 1) {
    fanout.add(
      '1.0.0',
      listener((arrivals) => {
        arrived.push(offsetsOf(arrivals))
        if (arrived.length !== 1) return
        recall(1)
        fanout.removed(1)
      }),
    )
  }
  const entries = [append(), append()]
  for (const entry of entries) fanout.woken(entry.offset, entry)
  t.notOk(fanout.isRemoved(1))
  await eventually('all of them', () => fanout.handed === 2)
  t.ok(fanout.isRemoved(1))
  t.same(arrived.at(-1), [2])
  t.same(offsetsIn(await fanout.read(0, LIMIT)), [2])
})
