// Does a new subscription get what is retained, when the log of its session is being read while it is made?
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { arrival, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

await t.test('a store that takes its time', async (t) => {
  const server = await serve(t)
  const speaker = await join(t, server, 'speaker')
  publish(speaker.raw, 'state', 'on', 1, { retain: true })
  await speaker.raw.next('puback')
  const first = await join(t, server, 'listener')
  await first.raw.end()

  const store = server.store as { readSession: Store['readSession'] }
  const read = store.readSession.bind(store)
  let answer = (): void => undefined
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const asked = new Promise<void>((resolve) => {
    store.readSession = async (...given) => {
      resolve()
      await answered
      return await read(...given)
    }
  })
  const { raw, present } = await join(t, server, 'listener')
  t.equal(present, true)
  await asked
  await raw.subscribe('state', 1)
  // All that the SUBSCRIBE led to is over.
  raw.send({ cmd: 'pingreq' })
  await raw.next('pingresp')
  answer()
  t.match(await arrival(raw), { text: 'on', retain: true })
})
