// How long do acknowledgements wait to be written: the first one, a few, many, those of one session, and those that somebody follows?
import { mock } from 'node:test'
import { t } from '../support/tap.ts'
import { CommitPeriod } from '../../broker/session/commit-period.ts'

const PERIOD_MS = 50
const SOON_MS = 10

function period(t: { teardown(undo: () => void): void }) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  let now = 0
  const written: { at: number; sessions: number }[] = []
  const commits = new CommitPeriod<string>({
    periodMs: PERIOD_MS,
    monotonic: () => now,
    write: () => void written.push({ at: now, sessions: commits.take().length }),
  })
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 1) {
      now += 1
      mock.timers.tick(1)
    }
  }
  const addAll = (count: number, name = (each: number): string => `session ${each}`): void => {
    for (let each = 0; each < count; each += 1) commits.add(name(each))
  }
  return { commits, pass, addAll, written }
}

await t.test('a few', async (t) => {
  const { commits, pass, written } = period(t)
  commits.add('one')
  pass(1)
  t.same(written, [{ at: 1, sessions: 1 }], 'the first at once')
  commits.add('one')
  pass(PERIOD_MS)
  t.same(written[1], { at: 1 + SOON_MS, sessions: 1 })
})

await t.test('many', async (t) => {
  const { commits, pass, addAll, written } = period(t)
  addAll(100)
  pass(1)
  addAll(100)
  pass(PERIOD_MS)
  t.same(written[1], { at: 1 + PERIOD_MS, sessions: 100 }, 'a period later')
  addAll(100)
  commits.add('followed', true)
  pass(PERIOD_MS)
  t.same(written[2], { at: 1 + PERIOD_MS + SOON_MS, sessions: 101 }, 'with one that somebody follows')
  addAll(99, () => 'one')
  pass(SOON_MS - 1)
  t.equal(written.length, 3)
  commits.add('one')
  pass(1)
  t.equal(written.length, 4, 'a session with a hundred')
})

await t.test('what could not be written, and what needs no writing', async (t) => {
  const { commits, pass, written } = period(t)
  commits.retry(['one', 'two'], 500)
  commits.forget('two')
  commits.add('one', true)
  pass(499)
  t.same(written, [], 'not sooner for what comes meanwhile')
  pass(1)
  t.same(written, [{ at: 500, sessions: 1 }])
  commits.add('one')
  commits.stop()
  pass(1_000)
  t.equal(written.length, 1)
})
