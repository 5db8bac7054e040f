// While the clock of a server is behind, is a good token told to come back, and not that it is worth nothing?
import { t } from '../support/tap.ts'
import { embed } from '../plugin/support/embed.ts'
import { connectRaw, issueToken, lookup, request, send } from '../support/index.ts'

await t.test('a clock that is behind, and mended', async (t) => {
  let ahead = 0
  const server = await embed(t, { now: () => Date.now() + ahead })
  const issued = await issueToken(server, { app: 'chat', device: 'phone' })
  const connack = async (protocolVersion: 4 | 5) => {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion })
    return await raw.connect({ token: issued.token })
  }

  ahead = -3_600_000
  t.match(await connack(5), { reasonCode: 0x88, properties: { reasonString: /not valid yet.*try again/ } })
  t.match(await connack(4), { returnCode: 3 })
  const refused = await request(server, 'GET', '/v1/messages', { bearer: issued.token })
  t.match(refused, { status: 401, headers: { 'retry-after': '1' }, body: { code: 'TOKEN_NOT_YET_VALID' } })
  t.notMatch(refused.headers['www-authenticate'], /invalid_token/)
  t.match(await send(server, { token: issued.token }, 'x'), { rejected: [{ code: 'TOKEN_NOT_YET_VALID' }] })

  ahead = -30_000
  t.match(await connack(5), { reasonCode: 0 }, 'half a minute is within what clocks may differ by')
  ahead = 0
  t.same((await lookup(server, issued.token)).messages, [])
})
