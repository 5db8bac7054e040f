// Does each of thousands of devices get the broadcasts of one batch at once, in order, while other work has its turns?
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { type BroadcastListener, BroadcastFanout } from '../../broker/session/broadcast-fanout.ts'
import type { BroadcastEntry, Store } from '../../store/contract.ts'
import { Selections, type Selector } from '../../topics/index.ts'
import { Turns } from '../../common/turns.ts'
import { eventually } from '../support/index.ts'

const DEVICES = 2_500
const BATCH = 16

function entryAt(offset: number, selector: Selector = { kind: 'all' }): BroadcastEntry {
  const payload = Buffer.from(`news ${offset}`)
  return { id: `id ${offset}`, payload, retain: false, storedAt: 0, expiresAt: Infinity, selector, offset }
}

async function openFanout(): Promise<BroadcastFanout> {
  const store = { readBroadcast: async () => ({ entries: [], readTo: 0, end: 0 }) } as unknown as Store
  const logger = pino({ enabled: false })
  const fanout = new BroadcastFanout('shop', {
    store,
    logger,
    selections: new Selections(),
    turns: new Turns(),
    now: () => 0,
    monotonic: () => 0,
    untold: () => undefined,
  })
  await fanout.read(0, { entries: 1, bytes: 1 })
  return fanout
}

await t.test('a batch for two versions', async (t) => {
  const fanout = await openFanout()
  const calls = new Map<BroadcastListener, number[][]>()
  const listen = (version: string) => {
    const listener: BroadcastListener = {
      broadcastsArrived: (arrivals) => void calls.get(listener)?.push(arrivals.map(({ entry }) => entry.offset)),
      broadcastGrew: () => undefined,
      broadcastTold: () => undefined,
    }
    calls.set(listener, [])
    fanout.add(version, listener)
    return listener
  }
  const old = Array.from({ length: DEVICES }, () => listen('1.0.0'))
  const young = listen('2.0.0')
  let turns = 0
  const count = () => {
    turns++
    if (fanout.handed < BATCH) setImmediate(count)
  }
  setImmediate(count)

  const entries = Array.from({ length: BATCH }, (_, index) =>
    entryAt(index + 1, index % 4 === 3 ? { kind: 'exact', version: '1.0.0' } : undefined),
  )
  for (const entry of entries) fanout.woken(entry.offset, entry)
  await eventually('all of them', () => fanout.handed === BATCH)
  t.ok(turns > 10, `${turns} turns of the event loop in between`)
  const all = entries.map(({ offset }) => offset)
  t.same(new Set(old.map((listener) => JSON.stringify(calls.get(listener)))), new Set([JSON.stringify([all])]))
  t.same(calls.get(young), [all.filter((offset) => offset % 4 > 0)])
})

await t.test('only what asks for tags is tested with those of each device', async (t) => {
  const fanout = await openFanout()
  const chosen: (string[] | undefined)[] = []
  const people = [[], ['beta'], ['beta', 'muted']]
  fanout.add('1.0.0', {
    broadcastsArrived: (arrivals) =>
      void chosen.push(...arrivals.map(({ isFor }) => isFor && people.filter(isFor).map((tags) => tags.join()))),
    broadcastGrew: () => undefined,
    broadcastTold: () => undefined,
  })
  const tagged = { kind: 'all', tags: '{"any":["beta"],"none":["muted"]}' } as const
  for (const entry of [entryAt(1), entryAt(2, tagged), entryAt(3)]) fanout.woken(entry.offset, entry)
  await eventually('all of them', () => fanout.handed === 3)
  t.strictSame(chosen, [undefined, ['beta'], undefined])
})
