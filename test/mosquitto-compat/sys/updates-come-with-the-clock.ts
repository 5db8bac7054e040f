// Does $SYS come at multiples of its interval, with what was known where the store cannot be asked, and go when it is off?
import { mock } from 'node:test'
import { t } from '../../support/tap.ts'
import { SysPublisher } from '../../../mosquitto-compat/index.ts'
import { countsOf } from './support/counts.ts'

interface Said {
  readonly topic: string
  readonly payload: string | undefined
}

function publishing(interval: number) {
  const said: Said[] = []
  const failures: unknown[] = []
  const state = { isDown: false, retained: 3 }
  const publisher = new SysPublisher({
    general: {
      setLocal: (topic, payload) => void said.push({ topic, payload: payload && Buffer.from(payload).toString() }),
      counts: () => countsOf({}),
      stored: () =>
        state.isDown
          ? Promise.reject(new Error('down'))
          : Promise.resolve({ sessionsAway: 0, retained: state.retained, messages: 3, bytes: 0 }),
    },
    version: 'v',
    interval,
    now: Date.now,
    monotonic: () => performance.now(),
    heap: () => 1,
    failed: (error) => void failures.push(error),
  })
  t.teardown(() => publisher.close())
  return { publisher, said, failures, state }
}

await t.test('at multiples of the interval', async (t) => {
  const clock = mock.timers
  t.teardown(() => clock.reset())
  clock.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000_003_400 })
  const { publisher, said, failures, state } = publishing(10)
  const uptimes = () => said.filter(({ topic }) => topic.endsWith('/uptime')).length
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  await publisher.start()
  t.equal(uptimes(), 1, 'at once')
  clock.tick(6_599)
  await settled()
  t.equal(uptimes(), 1)
  clock.tick(1)
  await settled()
  t.equal(uptimes(), 2, 'at the next multiple')
  state.isDown = true
  clock.tick(10_000)
  await settled()
  t.equal(uptimes(), 3, 'also while the store is away')
  t.equal(failures.length, 1)
  t.notOk(said.some(({ topic, payload }) => topic.endsWith('messages/count') && payload === '0'))
  await publisher.set(0)
  clock.tick(30_000)
  await settled()
  t.equal(uptimes(), 4, 'off: all of it is gone')
  t.equal(said.at(-1)?.payload, undefined)
  await publisher.set(1)
  clock.tick(1_000)
  await settled()
  t.equal(uptimes(), 6)
})
