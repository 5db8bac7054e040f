// Does the tree of an ACL file decide as its rules do when they are read one after another?
import fc from 'fast-check'
import { t } from '../../support/tap.ts'
import { AclFile } from '../../../mosquitto-compat/index.ts'
import { type Line, mayByTheBook, textOf } from './support/by-the-book.ts'

const NAMES = ['a', 'b', 'ann', 'c1', '$SYS', '', '%u', '%c', 'x%u']
const level = fc.constantFrom(...NAMES)
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen || levels.length === 0 ? ['#'] : [])].join('/'))
  .filter((each) => each !== '' && each === each.trim())
const line: fc.Arbitrary<Line> = fc.record({
  keyword: fc.constantFrom('topic', 'pattern'),
  access: fc.constantFrom('read', 'write', 'readwrite', 'deny'),
  filter,
  user: fc.constantFrom(undefined, 'ann', 'bob'),
})
const topic = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((each) => each !== '')
const username = fc.constantFrom(undefined, 'ann', 'bob', 'eve', 'a', 'an+', '#', '$SYS')
const clientId = fc.constantFrom('c1', 'a', 'c+', '#', 'a/b', '$SYS', 'ann')

await t.test('reading and writing', async () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), username, clientId, topic, (lines, name, id, asked) => {
      const { mayPublish, mayReceive } = AclFile.parse(textOf(lines)).userOf(name, id)
      const write = mayPublish(asked, { qos: 0, retain: false })
      return (
        write === mayByTheBook(lines, name, id, asked, 'write') &&
        mayReceive(asked) === mayByTheBook(lines, name, id, asked, 'read')
      )
    }),
    { numRuns: 5_000 },
  )
})

await t.test('a strict SUBSCRIBE is granted wherever a topic of it can be read', async () => {
  const strict = { strict: true }
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), username, clientId, topic, filter, (lines, name, id, asked, wide) => {
      if (!mayByTheBook(lines, name, id, asked, 'read')) return true
      const { maySubscribe } = AclFile.parse(textOf(lines), strict).userOf(name, id)
      const covering = [asked, wide].filter((each) => mayByTheBook([own(each)], undefined, '', asked, 'read'))
      return covering.every((each) => maySubscribe(each, 1) === 1)
    }),
    { numRuns: 5_000 },
  )
})

function own(each: string): Line {
  return { keyword: 'topic', access: 'read', filter: each, user: undefined }
}
