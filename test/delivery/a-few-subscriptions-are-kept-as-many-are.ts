// Does a session know its subscriptions, and their order, however many it makes and gives up?
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { Subscriptions } from '../../broker/session/subscriptions.ts'
import type { Subscription } from '../../broker/session/session-state.ts'

const FILTERS = ['chat/1.0', 'chat/1.1', 'chat/2.0', `chat/t/${'a'.repeat(22)}`]

function subscription(filter: string, identifier: number): Subscription {
  return { filter, qos: 1, retainAsPublished: false, identifier, retainedDue: false }
}

await t.test('as a map would', async (t) => {
  const step = fc.record({ filter: fc.constantFrom(...FILTERS), makes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const subscriptions = new Subscriptions()
      const map = new Map<string, Subscription>()
      for (const [position, { filter, makes }] of steps.entries()) {
        const made = subscription(filter, position)
        if (makes) {
          subscriptions.set(made)
          map.set(filter, made)
        } else {
          t.equal(subscriptions.delete(filter), map.delete(filter))
        }
        t.same(subscriptions.all(), [...map.values()])
        t.equal(subscriptions.size, map.size)
        for (const each of FILTERS) t.equal(subscriptions.get(each), map.get(each))
      }
    }),
  )
})
