// Devices of 3,000 apps are connected: is the log of every app read again within the time of a recheck, and never all of them at once?
import { mock } from 'node:test'
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { DeviceSessions } from '../../broker/session/device-sessions.ts'
import type { DelayedWills } from '../../broker/session/delayed-wills.ts'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import { createMetrics } from '../../common/metrics.ts'
import { Turns } from '../../common/turns.ts'
import type { Store } from '../../store/contract.ts'

const APPS = 3_000
const TICK_MS = 1_000

t.test('a sweep of many apps', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  let read: string[] = []
  const readBroadcast = async (app: string) => {
    read.push(app)
    return { entries: [], readTo: 7, end: 7 }
  }
  const sessions = new DeviceSessions({
    store: { watch: () => () => undefined, commit: async () => [], readBroadcast } as Partial<Store> as Store,
    metrics: createMetrics(),
    logger: pino({ level: 'silent' }),
    limits: DEFAULT_LIMITS,
    turns: new Turns(),
    revocations: { isRevoked: () => false, onRevoked: () => () => undefined },
    wills: { stop: () => undefined } as Partial<DelayedWills> as DelayedWills,
    now: Date.now,
    monotonic: () => performance.now(),
  })
  sessions.start()
  t.teardown(() => sessions.stop())
  const apps = Array.from({ length: APPS }, (_, number) => `app-${number}`)
  // The first read is what makes a log known.
  for (const app of apps) await sessions.fanout(app).read(0, { entries: 1, bytes: 1 })
  read = []
  const inATick: number[] = []
  for (let tick = 0; tick < DEFAULT_LIMITS.sessionRecheckMs / TICK_MS; tick += 1) {
    const before = read.length
    mock.timers.tick(TICK_MS)
    inATick.push(read.length - before)
  }
  t.same(read.toSorted(), apps.toSorted(), 'each once')
  t.ok(Math.max(...inATick) <= APPS / 20, `at most ${Math.max(...inATick)} in one tick`)
})
