// A message is published while a node still reads the subscriptions that there are: is it for all of them, and for newer ones?
import { EventEmitter, once } from 'node:events'
import { t } from '../support/tap.ts'
import type { SessionSubscriptions, Store } from '../../store/contract.ts'
import { general, listenKept, logOf, onEachStore, openRouter } from './support/router.ts'
import { retainedInStore } from '../../broker/aedes/retained-topics.ts'

/** Reading all subscriptions waits, once it has begun, until it may go on. */
class Gate extends EventEmitter {
  reading(store: Store): Store {
    const read = async function* (this: Gate): AsyncIterable<SessionSubscriptions> {
      const goesOn = once(this, 'go on')
      this.emit('begun')
      await goesOn
      yield* store.subscriptions()
    }.bind(this)
    return new Proxy(store, {
      get(target, member) {
        if (member === 'subscriptions') return read
        const value: unknown = Reflect.get(target, member)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}

await onEachStore(t, async (t, open) => {
  const first = await open()
  await listenKept(first.store, first.router, 'before', 'a/#')
  const gate = new Gate()
  const begun = once(gate, 'begun')
  const retained = retainedInStore({ retainTopic: async () => undefined, retainedTopics: async function* () {} })
  const starting = await openRouter(t, gate.reading(first.store), retained)
  await begun

  let isAnswered = false
  const publishing = Promise.all([
    starting.publish(general('a/1', 'one')),
    starting.publish(general('a/2', 'two', { qos: 2, from: 'other' })),
  ]).then(() => {
    isAnswered = true
  })
  await listenKept(first.store, first.router, 'meanwhile', 'a/#')
  t.equal(isAnswered, false, 'it is not known yet who gets it')
  gate.emit('go on')
  await publishing
  t.same((await logOf(first.store, 'before')).sort(), ['one', 'two'])
  await starting.publish(general('a/3', 'three'))
  t.equal((await logOf(first.store, 'before')).at(-1), 'three')
  t.equal((await logOf(first.store, 'meanwhile')).at(-1), 'three')
})
