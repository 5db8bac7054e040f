// Is every wake that is lost found within a recheck, and none that is only late, at a cost that does not grow with sessions?
import { mock } from 'node:test'
import { t } from '../support/tap.ts'
import { WakeCounts } from '../../store/redis/wake-counts.ts'

const RECHECK_MS = 32_000
const TICKS = 32
const LANES = 256

/** What each lane told, and a clock; nothing arrives by itself. */
function world(lanes = 1) {
  mock.timers.enable({ apis: ['setInterval'] })
  const told = new Map<string, number>()
  const state = { now: 0, asked: 0, lost: 0, isAway: false }
  const run = async (_kind: unknown, base: string) => {
    if (state.isAway) throw new Error('away')
    state.asked += 1
    return [told.get(base) ?? 0]
  }
  const names = Array.from({ length: lanes }, (_, number) => `lane ${number}`)
  const counts = new WakeCounts({
    lanes: { run },
    baseOf: new Map(names.map((name) => [name, name])),
    recheckMs: RECHECK_MS,
    lost: () => void (state.lost += 1),
    monotonic: () => state.now,
  })
  counts.start()
  const tick = async (ticks: number): Promise<void> => {
    for (let each = 0; each < ticks; each += 1) {
      state.now += RECHECK_MS / TICKS
      mock.timers.tick(RECHECK_MS / TICKS)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const tell = (lane: string): number => {
    const count = (told.get(lane) ?? 0) + 1
    told.set(lane, count)
    return count
  }
  return { counts, told, state, tick, tell, stop: () => (counts.stop(), mock.timers.reset()) }
}

t.test('a wake', async (t) => {
  const lane = 'lane 0'
  t.test('that arrives is no loss', async (t) => {
    const { counts, state, tick, tell, stop } = world()
    for (let round = 0; round < 100; round += 1) {
      counts.heard(lane, tell(lane))
      await tick(3)
    }
    t.equal(state.lost, 0)
    stop()
  })
  t.test('that is late is no loss', async (t) => {
    const { counts, state, tick, tell, stop } = world()
    for (let round = 0; round < 4; round += 1) {
      const [first, second] = [tell(lane), tell(lane)]
      await tick(TICKS / 2 - 1)
      counts.heard(lane, first)
      counts.heard(lane, second)
      await tick(TICKS)
    }
    t.equal(state.lost, 0)
    stop()
  })
  t.test('that does not arrive is found within a recheck, whenever it is lost', async (t) => {
    for (let before = 0; before < TICKS; before += 1) {
      const { state, tick, tell, stop } = world()
      await tick(TICKS + before)
      tell(lane)
      await tick(TICKS)
      t.equal(state.lost, 1)
      await tick(4 * TICKS)
      t.equal(state.lost, 1, 'once')
      stop()
    }
  })
  t.test('that does not arrive is found by the next one', async (t) => {
    const { counts, state, tick, tell, stop } = world()
    tell(lane)
    counts.heard(lane, tell(lane))
    await tick(TICKS / 2)
    t.equal(state.lost, 1)
    await tick(4 * TICKS)
    t.equal(state.lost, 1)
    stop()
  })
})

t.test('counts that Redis lost are a loss', async (t) => {
  const { counts, told, state, tick, tell, stop } = world()
  counts.heard('lane 0', tell('lane 0'))
  counts.heard('lane 0', tell('lane 0'))
  await tick(TICKS)
  told.set('lane 0', 1)
  await tick(TICKS)
  t.equal(state.lost, 1)
  counts.heard('lane 0', tell('lane 0'))
  await tick(2 * TICKS)
  t.equal(state.lost, 1, 'and it goes on from what Redis has')
  stop()
})

t.test('while Redis is away, nobody is told; when it is back, they are', async (t) => {
  const { counts, state, tick, stop } = world()
  state.isAway = true
  counts.doubt()
  await tick(2 * TICKS)
  t.equal(state.lost, 0)
  state.isAway = false
  await tick(TICKS / 2)
  t.equal(state.lost, 1)
  stop()
})

t.test('all lanes of a Cluster are asked twice a recheck, some at a time; many losses are told as one', async (t) => {
  const { state, tick, tell, stop } = world(LANES)
  for (let at = 0; at < TICKS; at += 1) {
    const before = state.asked
    await tick(1)
    t.equal(state.asked - before, LANES / (TICKS / 2))
  }
  for (let number = 0; number < LANES; number += 1) tell(`lane ${number}`)
  await tick(2 * TICKS)
  t.ok(state.lost >= 1 && state.lost <= 2, `told ${state.lost} times`)
  stop()
})
