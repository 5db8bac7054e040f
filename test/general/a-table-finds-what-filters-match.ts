// Does the routing table find exactly the sessions whose filters match, each once, with what they asked for together?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { RoutingTable, Subscriber } from '../../broker/aedes/routing-table.ts'
import { packOptions } from '../../broker/aedes/subscription-options.ts'
import { filterMatches } from '../../broker/codec/topic-syntax.ts'
import type { QoS } from '../../broker/codec/packets.ts'

const LEVELS = ['', 'a', 'b', '$', 'constructor']
const level = fc.constantFrom(...LEVELS)
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.constantFrom(...LEVELS, '+'), { maxLength: 3 }), fc.constantFrom('#', '+', 'a', ''))
  .map(([levels, last]) => [...levels, last].join('/'))
  .filter((each) => each !== '')
const options = fc.record({
  qos: fc.constantFrom<QoS>(0, 1, 2),
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  identifier: fc.constantFrom(0, 1, 268_435_455),
})
const call = fc.record({ who: fc.nat({ max: 10 }), filter, options: fc.option(options, { nil: undefined }) })

t.test('any subscriptions', async (t) => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), topic, (calls, published) => {
      const table = new RoutingTable<Subscriber>()
      const subscribers = Array.from({ length: 11 }, (_, who) => new Subscriber(String(who)))
      const model = subscribers.map(() => new Map<string, (typeof calls)[number]['options'] & object>())
      for (const { who, filter, options } of calls) {
        if (options === undefined) {
          table.delete(subscribers[who]!, filter)
          model[who]!.delete(filter)
        } else {
          table.set(subscribers[who]!, filter, packOptions(options))
          model[who]!.set(filter, options)
        }
      }
      const expected = []
      for (const [who, filters] of model.entries()) {
        const all = [...filters]
          .filter(([filter, { noLocal }]) => filterMatches(filter, published.split('/')) && !(noLocal && who === 3))
          .map(([, each]) => each)
        if (all.length === 0) continue
        const qos = Math.max(...all.map((each) => each.qos))
        const retain = all.some((each) => each.retainAsPublished)
        const identifiers = [...new Set(all.map((each) => each.identifier))].filter((each) => each > 0)
        expected.push({ name: String(who), qos, retain, identifiers: identifiers.sort() })
      }
      const found = table.match(published, '3').matches.map((match) => {
        const { qos, retain, identifiers } = match.deliveryOf({ qos: 2, retain: true })
        return { name: match.subscriber.name, qos, retain, identifiers: [...identifiers].sort() }
      })
      const byName = (a: { name: string }, b: { name: string }) => Number(a.name) - Number(b.name)
      t.strictSame(found.sort(byName), expected.sort(byName))
      for (const subscriber of subscribers) table.clear(subscriber)
      t.strictSame(table.match(published, '').matches, [])
    }),
    { numRuns: 2_000 },
  )
})
