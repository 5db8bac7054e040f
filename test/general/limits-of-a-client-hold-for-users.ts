// Do the limits of a client hold for users as they do for devices, and are users told in their own words?
import { t } from '../support/tap.ts'
import { connect } from '../support/index.ts'
import { embed, JOE } from '../plugin/support/embed.ts'

await t.test('limits of users', async (t) => {
  const embedded = await embed(t, { limits: { subscriptions: 3, idleTimeoutMs: 60_000 } })
  const user = await connect(t, embedded, JOE, { clientId: 'joe' })
  t.same(await user.subscribe(['a', 'b', 'c', 'd']), [1, 1, 1, 0x97], 'PUSH_MAX_SUBSCRIPTIONS holds')
  const { serverKeepAlive = 0 } = user.connack.properties ?? {}
  t.ok(serverKeepAlive > 0 && serverKeepAlive <= 60, 'who gave no keep alive is told one that avoids the idle time-out')
  await connect(t, embedded, JOE, { clientId: 'joe' })
  await user.closed
  t.match(user.disconnectPacket, { reasonCode: 0x8e }, 'a user that is taken over is told so')
  t.notMatch(JSON.stringify(user.disconnectPacket), /token/, 'and of no token')
})
