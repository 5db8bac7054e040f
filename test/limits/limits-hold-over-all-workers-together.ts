// Do the processes of one server hold their limits together, and does one that ends give back what it counted?
import { t } from '../support/tap.ts'
import { Waiting } from '../../bridge/waiting.ts'
import { createLongPolls, type LongPolls } from '../../bridge/long-polls.ts'
import { createMetrics } from '../../common/metrics.ts'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import { requestCounts } from '../../bridge/request-counts.ts'
import { Admission } from '../../broker/gate/admission.ts'
import { RateByKey, Rates } from '../../common/rates.ts'
import type { Store, TokenRecord } from '../../store/contract.ts'
import { NO_DETAILS } from '../../store/details.ts'
import { type CountName, createTally, Exchange, sharedCount, type Tally } from '../../common/tally.ts'
import { Selections, type Device } from '../../topics/index.ts'
import { eventually } from '../support/waiting.ts'

/** Processes that are none, and what is between them. */
function processes() {
  const exchange = new Exchange<string>()
  return {
    exchange,
    join(name: string): Tally {
      const { tally, heard, settle } = createTally((changes, sent) => {
        exchange.tell(name, changes)
        setImmediate(sent)
      })
      exchange.join(name, (changes, sent) => {
        heard(changes)
        setImmediate(sent)
      })
      setTimeout(settle, 1000).unref()
      return tally
    },
  }
}

/** The same limit in two processes. */
function both<T>(name: CountName, make: (shared: ReturnType<typeof sharedCount>) => T) {
  const { exchange, join } = processes()
  const tallies = [join('first'), join('second')] as const
  const [first, second] = tallies.map((tally) => make(sharedCount(tally, name))) as [T, T]
  const third = () => make(sharedCount(join('third'), name))
  let secondHeard = 0
  tallies[1].hear(name, () => secondHeard++)
  return { exchange, first, second, third, heard: () => eventually('the news', () => secondHeard > 0) }
}

/** Whether there is room for one more; it is given back at once. */
function refused(admission: Admission, address: string): string | undefined {
  try {
    admission.hold(address)()
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  }
}

t.test('connections, in all and from one address', async (t) => {
  const limits = { connections: 4, connectionsPerAddress: 2 }
  const { exchange, first, second, third } = both('connections', (shared) => new Admission(limits, shared))
  const release = first.hold('10.0.0.1')
  first.hold('10.0.0.1')
  await eventually('what the other holds', () => refused(second, '10.0.0.1') === 'ADDRESS_CONNECTIONS_LIMIT')
  second.hold('10.0.0.2')
  second.hold('10.0.0.3')
  await eventually('all of them', () => refused(first, '10.0.0.4') === 'CONNECTIONS_LIMIT')
  const late = third()
  await eventually('who comes later', () => refused(late, '10.0.0.5') === 'CONNECTIONS_LIMIT')
  release()
  release()
  await eventually('room', () => refused(second, '10.0.0.1') === undefined)
  second.hold('10.0.0.1')
  t.equal(refused(second, '10.0.0.1'), 'CONNECTIONS_LIMIT', 'once, however often it was given back')
  exchange.leave('first')
  await eventually('what a process held that has ended', () => refused(second, '10.0.0.1') === undefined)
})

t.test('what may happen so often', async (t) => {
  const perMinute = both('connectsPerToken', (shared) => new RateByKey(2, () => 0, shared))
  t.same([perMinute.first.take('a'), perMinute.first.take('a'), perMinute.first.take('a')], [true, true, false])
  await eventually('connects', () => !perMinute.second.take('a'))
  t.ok(perMinute.second.take('b'))

  const perSecond = both('devicePublishes', (shared) => new Rates(1, () => 0, shared))
  for (let count = 0; count < 10; count++) t.ok(perSecond.first.take('a'), 'ten seconds’ worth at once')
  await eventually('publishes', () => !perSecond.second.take('a'))
  t.ok(perSecond.second.take('b'))

  const requests = both('requests', (shared) => new (requestCounts(() => 0, shared))({}))
  const ask = (store: typeof requests.first) => {
    let current = 0
    store.incr('10.0.0.1', (_error, result) => (current = result?.current ?? 0), 60_000, 100)
    return current
  }
  t.equal(ask(requests.first), 1)
  await eventually('requests', () => ask(requests.second) > ask(requests.first) - 1)
})

t.test('lookups that wait, in all and with one token', async (t) => {
  const limits = { ...DEFAULT_LIMITS, waiting: 3, waitingPerToken: 1 }
  const store = { follow: async () => () => undefined } as Partial<Store> as Store
  const revocations = { isRevoked: () => false, onRevoked: () => () => undefined }
  const options = { store, revocations, limits, selections: new Selections(), now: () => 0 }
  const { exchange, first, second, heard } = both('waiting', (shared) =>
    createLongPolls({ ...options, waiting: new Waiting(limits.waiting, createMetrics().httpWaiting, shared) }),
  )
  const enter = (polls: LongPolls, tokenId: string) =>
    polls.enter(
      { device: { tokenId, app: 'chat', expiresAt: 1e9 } as Device, record: { details: NO_DETAILS } as TokenRecord },
      1000,
      new AbortController().signal,
    )
  const poll = await enter(first, 'a')
  await heard()
  const newer = await enter(second, 'a')
  await eventually('the older one ends', () => poll.isOver)
  t.notOk(newer.isOver)
  poll.leave()
  const [b, c] = [await enter(first, 'b'), await enter(first, 'c')]
  await eventually('three wait', async () => {
    try {
      ;(await enter(second, 'd')).leave()
      return false
    } catch (error) {
      return (error as { code: string }).code === 'RATE_LIMITED'
    }
  })
  exchange.leave('first')
  await eventually('room', async () => {
    try {
      return (await enter(second, 'd')).leave() === undefined
    } catch {
      return false
    }
  })
  for (const each of [newer, b, c]) each.leave()
})
