// Do numbers below $SYS/broker/ come in Mosquitto's formats, only when they change, and do loads follow its formula?
import fc from 'fast-check'
import { t } from '../../support/tap.ts'
import { SysTree } from '../../../mosquitto-compat/sys/sys-tree.ts'
import { countsOf } from './support/counts.ts'

const ROOT = '$SYS/broker/'

function named(changed: readonly { readonly topic: string; readonly payload: string }[]): Record<string, string> {
  return Object.fromEntries(changed.map(({ topic, payload }) => [topic.slice(ROOT.length), payload]))
}

await t.test('formats, and what is said again', async (t) => {
  const tree = new SysTree('version 1')
  const first = named(tree.update(countsOf({ connected: 2, sessionsAway: 3, heap: 7 }), 0.4))
  t.equal(Object.keys(first).length, SysTree.size, 'all of them at first')
  t.match(first, {
    version: 'version 1',
    uptime: '0 seconds',
    'clients/total': '5',
    'clients/connected': '2',
    'clients/active': '2',
    'clients/disconnected': '3',
    'clients/inactive': '3',
    'clients/maximum': '5',
    'retained messages/count': '0',
    'load/messages/received/1min': '0.00',
    'heap/maximum': '7',
  })
  const less = countsOf({ connected: 1, sessionsAway: 3, heap: 6 })
  t.same(named(tree.update(less, 10.9)), {
    uptime: '10 seconds',
    'clients/total': '4',
    'clients/connected': '1',
    'clients/active': '1',
    'heap/current': '6',
  })
  t.same(named(tree.update(less, 11)), { uptime: '11 seconds' }, 'uptime always')
  t.match(named(tree.update({ ...less, connected: 9 }, 12)), { 'clients/maximum': '12' })
})

await t.test('the formula', async () => {
  const step = fc.record({ seconds: fc.double({ min: 0.5, max: 100, noNaN: true }), received: fc.nat(10_000) })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      const tree = new SysTree('')
      const said = named(tree.update(countsOf({}), 0))
      const expected = { '1min': 0, '5min': 0, '15min': 0 }
      let [at, packetsReceived] = [0, 0]
      for (const { seconds, received } of steps) {
        at += seconds
        packetsReceived += received
        Object.assign(said, named(tree.update(countsOf({ packetsReceived }), at)))
        for (const [name, window] of [
          ['1min', 60],
          ['5min', 300],
          ['15min', 900],
        ] as const) {
          const now = (received * 60) / seconds
          expected[name] = now + Math.exp(-seconds / window) * (expected[name] - now)
          const isClose = Math.abs(Number(said[`load/messages/received/${name}`]) - expected[name]) < 0.011
          if (!isClose || !/^\d+\.\d\d$/.test(said[`load/messages/received/${name}`] ?? '')) return false
        }
      }
      return true
    }),
  )
})
