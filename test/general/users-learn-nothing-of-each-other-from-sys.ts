// Does $SYS/# show a user no client ids and subscriptions of others?
import { t } from '../support/tap.ts'
import { connect } from '../support/index.ts'
import { embed, JOE } from '../plugin/support/embed.ts'

await t.test('$SYS/#', async (t) => {
  const embedded = await embed(t)
  const curious = await connect(t, embedded, JOE)
  await curious.subscribe(['$SYS/#', 'marker'])
  const other = await connect(t, embedded, JOE, { clientId: 'somebody-else' })
  await other.subscribe('private/of/somebody-else')
  await other.publish('marker', 'now')
  await curious.queue.nextWhere(({ topic }) => topic === 'marker')
  const told = curious.received.filter(({ text }) => text.includes('somebody-else'))
  t.same(told, [], 'nothing of the other')
})
