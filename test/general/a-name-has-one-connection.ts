// Does a newer connection of a name end the older one, and what was kept of it, and does another user keep its own?
import { t } from '../support/tap.ts'
import { arrival, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const server = await serve(t)
const writer = await join(t, server, 'writer', { expiry: 0 })

for (const [older, newer] of [
  [0, 0],
  [100, 100],
  [100, 0],
  [0, 100],
] as const)
  await t.test(`kept ${older} s, then ${newer} s`, async (t) => {
    const clientId = `client-${older}-${newer}`
    const first = await join(t, server, clientId, { expiry: older })
    await first.raw.subscribe(clientId, 1)
    const second = await join(t, server, clientId, { expiry: newer })
    t.match(await first.raw.next('disconnect'), { reasonCode: 0x8e })
    t.equal(second.present, older > 0)
    publish(writer.raw, clientId, 'text', 1)
    t.match(await writer.raw.next('puback'), { reasonCode: older > 0 ? 0 : 0x10 })
    if (older > 0) t.equal((await arrival(second.raw)).text, 'text')
  })

await t.test('a clean start of a session that is not kept ends the kept one', async (t) => {
  const first = await join(t, server, 'ended')
  await first.raw.subscribe('ended', 1)
  await first.raw.end()
  const second = await join(t, server, 'ended', { expiry: 0, clean: true })
  t.equal(second.present, false)
  await second.raw.end()
  const third = await join(t, server, 'ended')
  t.equal(third.present, false)
  publish(third.raw, 'ended', 'text', 1)
  t.match(await third.raw.next('puback'), { reasonCode: 0x10 }, 'with its subscriptions')
})

await t.test('the same client id of another user is another session', async (t) => {
  const ann = await join(t, server, 'shared')
  await ann.raw.subscribe('shared', 1)
  const joe = await join(t, server, 'shared', { username: 'joe' })
  t.equal(joe.present, false)
  publish(joe.raw, 'shared', 'to ann', 1)
  t.equal((await arrival(ann.raw)).text, 'to ann')
})

await t.test('by client id alone, as Mosquitto has it', async (t) => {
  const alone = await serve(t, { users: { sessionsByClientId: true } })
  const ann = await join(t, alone, 'shared')
  const joe = await join(t, alone, 'shared', { username: 'joe' })
  t.equal(joe.present, true)
  t.match(await ann.raw.next('disconnect'), { reasonCode: 0x8e })
})
