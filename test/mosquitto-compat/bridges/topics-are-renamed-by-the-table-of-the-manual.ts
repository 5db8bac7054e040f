// Is a topic called at the other end what the table of Mosquitto's manual says, both ways?
import { TopicMap } from '../../../mosquitto-compat/bridges/topic-map.ts'
import { t } from '../../support/tap.ts'
import { topic } from './support/serve.ts'

const both = (pattern: string, local: string, remote: string) =>
  new TopicMap([topic(pattern, 'both', 0, local, remote)])

await t.test('the table', async (t) => {
  for (const [pattern, local, remote, here, there] of [
    ['pattern', 'L/', 'R/', 'L/pattern', 'R/pattern'],
    ['pattern', 'L/', '', 'L/pattern', 'pattern'],
    ['pattern', '', 'R/', 'pattern', 'R/pattern'],
    ['pattern', '', '', 'pattern', 'pattern'],
    ['', 'local', 'remote', 'local', 'remote'],
    ['#', 'local/topic/', 'remote/topic/', 'local/topic/a/b', 'remote/topic/a/b'],
    ['#', 'local/topic/', 'remote/topic/', 'local/topic', 'remote/topic'],
    ['+/value', 'l/', 'r/', 'l/x/value', 'r/x/value'],
    ['ic/+', 'local4/top', 'remote4/tip', 'local4/topic/x', 'remote4/tipic/x'],
    ['clients/total', 'test/org', '$SYS/broker/', 'test/orgclients/total', '$SYS/broker/clients/total'],
  ] as const) {
    const map = both(pattern, local, remote)
    t.equal(map.toRemote(here), there, `${here} there`)
    t.equal(map.toLocal(there), here, `${there} here`)
    t.match(map.locals, [{ filter: local + pattern }])
    t.match(map.atRemote, [{ filter: remote + pattern, isWanted: true }])
  }
})

await t.test('what does not go', async (t) => {
  const map = new TopicMap([topic('a/#', 'out'), topic('b/#', 'in')])
  t.equal(map.toRemote('b/x'), undefined)
  t.equal(map.toLocal('a/x'), undefined)
  t.equal(map.toRemote('$SYS/x'), undefined)
  t.equal(new TopicMap([topic('#', 'both')]).toRemote('$SYS/broker/uptime'), undefined)
  t.equal(new TopicMap([topic('#', 'in', 0, '', 'x/')]).toLocal('x/'), undefined, 'no topic is empty')
})

await t.test('lines that rename go first, in their order', async (t) => {
  const map = new TopicMap([topic('#'), topic('a/#', 'out', 0, 'l/', 'one/'), topic('a/b', 'out', 0, 'l/', 'two/')])
  t.equal(map.toRemote('l/a/b'), 'one/a/b')
  t.equal(map.toRemote('c'), 'c')
})

await t.test('a filter that another line wants is not unsubscribed', async (t) => {
  const map = new TopicMap([topic('a', 'in'), topic('a', 'out'), topic('b', 'out')])
  t.same(
    map.atRemote.map(({ filter, isWanted }) => [filter, isWanted]),
    [
      ['a', true],
      ['b', false],
    ],
  )
})
