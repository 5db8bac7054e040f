// Where the log of a member is full, does a QoS 2 message of a shared subscription wait for room?
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { arrival, complete, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

await t.test('it comes when there is room', async (t) => {
  const server = await serve(t, { limits: { storedMessages: 3, retryMs: 50 } })
  const appends = t.capture(server.store, 'appendSessions', server.store.appendSessions)
  const member = await join(t, server, 'member')
  await member.raw.subscribe(['plain', '$share/group/shared'], 2)
  const writer = await join(t, server, 'writer', { expiry: 0 })
  for (let each = 1; each <= 3; each++) {
    publish(writer.raw, 'plain', `${each}`, each)
    await writer.raw.next('puback')
  }
  const unacknowledged = [await arrival(member.raw), await arrival(member.raw), await arrival(member.raw)]
  publish(writer.raw, 'shared', 'for one of all', 4, { qos: 2 })
  await writer.raw.next('pubrec')
  writer.raw.send({ cmd: 'pubrel', messageId: 4 })
  await writer.raw.next('pubcomp')
  await eventually('it finds no room', async () => {
    const outcomes = await Promise.all(appends().map(async (call) => ('returned' in call ? call.returned : [])))
    return outcomes.flat().includes('full')
  })
  for (const each of unacknowledged) member.raw.puback(each)
  const { text, messageId } = await arrival(member.raw)
  t.equal(text, 'for one of all')
  await complete(member.raw, messageId)
})
