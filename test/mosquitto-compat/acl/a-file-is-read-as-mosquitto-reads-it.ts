// Are the lines of an ACL file split, trimmed, skipped and refused as Mosquitto does it, with the number of a wrong one?
import { t } from '../../support/tap.ts'
import { AclFile } from '../../../mosquitto-compat/index.ts'

const options = { qos: 0, retain: false } as const

function rights(text: string, name: string | undefined, topic: string, clientId = 'c1'): string {
  const { mayPublish, mayReceive } = AclFile.parse(text).userOf(name, clientId)
  return `${mayReceive(topic) ? 'r' : '-'}${mayPublish(topic, options) ? 'w' : '-'}`
}

await t.test('lines', async (t) => {
  const text = [
    '# a comment',
    '   topic   open/#   ',
    '',
    'topic read two words',
    'user  ann lee \r',
    'topic write  own \t',
    'pattern read %u/x',
    'user bob',
    'topic deny bad',
    'user ann lee',
    'topic read again',
  ].join('\n')
  t.equal(rights(text, undefined, 'open/door'), 'rw', 'readwrite where nothing is said')
  t.equal(rights(text, undefined, 'two words'), 'r-', 'a filter with a space')
  t.equal(rights(text, 'ann lee', 'own'), '-w', 'the name is the rest of the line')
  t.equal(rights(text, 'ann lee', 'again'), 'r-', 'a user may come twice')
  t.equal(rights(text, 'ann lee', 'open/door'), '--', 'the first rules are for anonymous clients alone')
  t.equal(rights(text, 'bob', 'bob/x'), 'r-', 'a pattern binds everybody, wherever it stands')
  t.equal(rights('topic read', undefined, 'read'), 'rw', 'a topic may be named like an access')
  t.equal(rights('', undefined, 'a'), '--', 'an empty file grants nothing')
})

await t.test('who wins', async (t) => {
  const text = ['pattern deny a', 'pattern read b', 'topic a', 'user ann', 'topic a', 'topic deny b'].join('\n')
  t.equal(rights(text, 'ann', 'a'), 'rw', "a user's grant beats a pattern's deny")
  t.equal(rights(text, 'ann', 'b'), '--', "a user's deny beats a pattern's grant")
  t.equal(rights(text, 'bob', 'a'), '--')
  t.equal(rights(text, 'bob', 'b'), 'r-')
  t.equal(rights('topic a/#\ntopic deny a/b', undefined, 'a/b'), '--', 'deny first, wherever it stands')
  t.equal(rights('topic #', undefined, '$SYS/broker/uptime'), '--')
  t.equal(rights('topic +/broker/uptime', undefined, '$SYS/broker/uptime'), '--')
  t.equal(rights('topic read $SYS/#', undefined, '$SYS/broker/uptime'), 'r-')
})

await t.test('names in patterns', async (t) => {
  t.equal(rights('pattern dev/%c/#', 'ann', 'dev/c1'), 'rw')
  t.equal(rights('pattern dev/%c/#', 'ann', 'dev/c2'), '--')
  t.equal(rights('pattern dev/%c/#\npattern all/#', 'ann', 'all/x', '+'), '--', 'CVE-2017-7650')
  t.equal(rights('pattern dev/%u\npattern all', '#', 'all'), '--')
  t.equal(rights('user #\ntopic own\npattern dev/%u', '#', 'own'), 'rw', 'its own rules hold')
  t.equal(rights('pattern dev/%u', undefined, 'dev/'), '--', 'nobody is no level')
  t.equal(rights('pattern dev/x%u', 'ann', 'dev/x%u'), 'rw', 'beside other text it stands for nothing')
  t.equal(rights('pattern dev/x%u', undefined, 'dev/x%u'), '--', 'and the line is still none of an anonymous client')
  t.same(
    AclFile.parse('pattern a/b\npattern a/x%c\ntopic read\tb\ntopic a%u').warnings.map((each) => each.slice(0, 7)),
    ['line 1 ', 'line 2 ', 'line 3 '],
  )
})

await t.test('lines that are refused', async (t) => {
  for (const line of [
    ' # no comment',
    'topic\tread a',
    'topic',
    'topic  ',
    'topic a b',
    'topic Read a',
    'topic a#',
    'topic a/#/b',
    'topic read a+/b',
    'user',
    'user  ',
    'users ann',
    `topic ${'x'.repeat(65_536)}`,
  ])
    t.throws(() => AclFile.parse(`topic a\n${line}\ntopic b`), { name: 'AclFileError', line: 2 }, line.slice(0, 20))
})

await t.test('a strict SUBSCRIBE', async (t) => {
  const text = [
    'topic read a/b',
    'topic write c',
    'topic read d/#',
    'topic deny d/#',
    'topic read e/#',
    'topic deny e/x',
  ]
  const { maySubscribe } = AclFile.parse(text.join('\n'), { strict: true }).userOf(undefined, 'c1')
  for (const filter of ['#', '+/b', 'a/#', 'a/b', 'e', 'e/+', 'e/y']) t.equal(maySubscribe(filter, 2), 2, filter)
  t.equal(maySubscribe('+', 2), 2, 'e is a topic of e/#')
  for (const filter of ['a', 'a/c', 'c', 'd/#', 'd/x', 'e/x', '$SYS/#'])
    t.equal(maySubscribe(filter, 2), undefined, filter)
  t.equal(AclFile.parse('').userOf(undefined, 'c1').maySubscribe('#', 1), 1, 'else it is granted, and nothing arrives')
})
