// What does a provider learn over HTTP of a message that it sent, and what of one that is not there?
import { t } from '../support/tap.ts'
import { ack, connectDevice, eventually, issueToken, lookup, makeKey, request, type Server } from '../support/index.ts'
import { onEachEngine } from '../tokens/support/engines.ts'

const post = (server: Server, body: object, headers: Record<string, string> = {}, bearer?: string) =>
  request(server, 'POST', '/v1/messages', { body, headers, ...(bearer === undefined ? {} : { bearer }) })
const statusOf = (server: Server, id: string, query: string, bearer?: string) =>
  request(
    server,
    'GET',
    `/v1/messages/${encodeURIComponent(id)}/status?${query}`,
    bearer === undefined ? {} : { bearer },
  )
const statesOf = (server: Server, id: string, to: object) =>
  request(server, 'POST', `/v1/messages/${encodeURIComponent(id)}/status`, { body: { to } })
const told = ({ status, body }: { status: number; body: { code?: string } }) => `${status} ${body.code}`

await onEachEngine(t, async (t, { one, other }) => {
  const [phone, tablet] = await Promise.all(
    ['phone', 'tablet'].map((device) => issueToken(one, { app: 'chat', device, account: 'ann', version: '1.0.0' })),
  )
  if (phone === undefined || tablet === undefined) throw new Error('no tokens')
  const to = { token: phone.tokenId }
  const both = { tokens: [phone.tokenId, tablet.tokenId] }

  await t.test('an id is of one message', async (t) => {
    const key = 'order/1042 ü'
    const headers = { 'Idempotency-Key': encodeURIComponent(key) }
    const first = await post(one, { to, payload: 'a', id: key, ttl: 600 })
    t.match(first, { status: 202, body: { id: key, accepted: 1, rejected: [] } })
    t.equal(first.body.duplicate, undefined)
    const again = await post(other, { to, payload: 'a', id: key, ttl: 600 })
    t.match(again, { status: 202, body: { accepted: 1, duplicate: true, expiresAt: first.body.expiresAt } })
    for (const change of [{ payload: 'b' }, { ttl: 601 }, { retain: true }, { collapseKey: 'k' }, { receipt: true }])
      t.equal(told(await post(other, { to, payload: 'a', id: key, ttl: 600, ...change })), '422 ID_REUSED')
    const many = await post(one, { to: both, payload: 'b', id: key })
    t.match(many.body, { accepted: 1, rejected: [{ token: phone.tokenId, code: 'ID_REUSED' }] })
    t.equal((await post(one, { to: { app: 'chat', account: 'ann' }, payload: 'c', id: key })).body.rejected.length, 2)
    const byHeader = await post(one, { to, payload: 'h' }, headers)
    t.equal(byHeader.body.id, encodeURIComponent(key))
    const quoted = await post(other, { to, payload: 'h' }, { 'Idempotency-Key': `"${encodeURIComponent(key)}"` })
    t.match(quoted.body, { id: encodeURIComponent(key), duplicate: true })
    t.equal((await post(one, { to, payload: 'h', id: 'own' }, headers)).body.id, 'own', 'that of the body comes first')
    t.equal(
      told(await post(one, { to, payload: 'x' }, { 'Idempotency-Key': 'x'.repeat(129) })),
      '400 MESSAGE_ID_INVALID',
    )
  })

  await t.test('the states of one and of many', async (t) => {
    const status = await statusOf(other, 'own', `token=${phone.tokenId}`)
    t.match(status, { status: 200, body: { id: 'own', state: 'pending' } })
    t.same(Object.keys(status.body), ['id', 'state', 'storedAt', 'expiresAt'])
    t.match((await statusOf(one, 'own', `token=${phone.token}`)).body, { state: 'pending' }, 'by the token as well')
    const page = await lookup(one, phone.token, { limit: 100 })
    await ack(one, phone.token, page.cursor)
    t.match((await statusOf(other, 'own', `token=${phone.tokenId}`)).body, { state: 'acknowledged' })
    const many = await statesOf(one, 'order/1042 ü', both)
    const { states } = many.body
    t.match(states, [
      { token: phone.tokenId, state: 'acknowledged' },
      { token: tablet.tokenId, state: 'pending' },
    ])
    const partly = await statesOf(one, 'own', { tokens: [phone.tokenId, tablet.tokenId, 'A'.repeat(22)] })
    t.match(partly.body.states, [{ token: phone.tokenId }])
    t.same(
      partly.body.rejected.map(({ code }: { code: string }) => code),
      ['MESSAGE_UNKNOWN', 'MESSAGE_UNKNOWN'],
    )
    const account = await statesOf(one, 'order/1042 ü', { app: 'chat', account: 'ann' })
    t.equal(account.body.states.length, 2)
  })

  await t.test('a server made the id: it is followed while it is pending', async (t) => {
    const { id } = (await post(one, { to, payload: 'made' })).body
    t.match((await statusOf(other, id, `token=${phone.tokenId}`)).body, { state: 'pending' })
    await ack(one, phone.token, (await lookup(one, phone.token)).cursor)
    t.equal(told(await statusOf(other, id, `token=${phone.tokenId}`)), '404 MESSAGE_UNKNOWN')
  })

  await t.test('a broadcast', async (t) => {
    const device = await connectDevice(t, other, tablet)
    await device.subscribe(tablet.topics.broadcast ?? '')
    const body = { to: { app: 'chat', versions: '*' }, payload: 'news', id: 'news' }
    t.match((await post(one, body)).body, { accepted: 1 })
    t.match((await post(one, body)).body, { duplicate: true })
    t.equal(told(await post(other, { ...body, payload: 'other' })), '422 ID_REUSED')
    t.equal(told(await post(other, { ...body, to: { app: 'chat', version: '1.0.0' } })), '422 ID_REUSED')
    t.equal(told(await post(one, { ...body, id: 'r', receipt: true })), '400 RECEIPT_FORBIDDEN')
    t.equal((await device.next()).text, 'news')
    await ack(one, phone.token, (await lookup(one, phone.token)).cursor)
    await eventually('both are counted', async () => {
      const { body: known } = await statusOf(one, 'news', 'app=chat')
      return known.acknowledged === 2
    })
    const known = await statusOf(other, 'news', 'app=chat')
    t.match(known.body, { id: 'news', state: 'pending', acknowledged: 2, sent: 0, approximate: true })
    t.match((await statesOf(one, 'news', { app: 'chat' })).body.states, [{ app: 'chat', acknowledged: 2 }])
    t.equal(told(await statusOf(one, 'no news', 'app=chat')), '404 MESSAGE_UNKNOWN')
    await device.end()
  })

  await t.test('a dry run', async (t) => {
    const tokens = [phone.tokenId, 'A'.repeat(22), 'no token']
    const tried = await post(one, { to: { tokens }, payload: 'p', id: 'dry', dryRun: true })
    t.match(tried, { status: 200, body: { id: 'dry', accepted: 1, dryRun: true } })
    t.same(tried.body.rejected.map(({ code }: { code: string }) => code).toSorted(), ['TOKEN_INVALID', 'TOKEN_UNKNOWN'])
    t.equal(told(await post(one, { to, payload: 'p', ttl: -1, dryRun: true })), '400 TTL_INVALID')
    t.equal(told(await statusOf(one, 'dry', `token=${phone.tokenId}`)), '404 MESSAGE_UNKNOWN')
    t.same((await lookup(one, phone.token)).messages, [])
    const account = await post(one, { to: { app: 'chat', account: 'ann' }, payload: 'p', dryRun: true })
    t.equal(account.body.accepted, 2)
  })

  await t.test('what a provider may not ask for', async (t) => {
    const mail = await makeKey(one, { name: 'mail', apps: ['mail'], scopes: ['messages:read', 'messages:send'] })
    const blind = await makeKey(one, { name: 'blind', apps: ['chat'], scopes: ['messages:send'] })
    t.equal(told(await statusOf(one, 'own', `token=${phone.tokenId}`, mail.key)), '403 APP_FORBIDDEN')
    t.equal(told(await statusOf(one, 'news', 'app=chat', mail.key)), '403 APP_FORBIDDEN')
    t.equal(told(await statusOf(one, 'own', `token=${phone.tokenId}`, blind.key)), '403 SCOPE_MISSING')
    t.equal(told(await statusOf(one, 'own', `token=${phone.tokenId}`, phone.token)), '403 NOT_A_PROVIDER')
    const recall = { body: { to }, bearer: mail.key }
    t.equal(told(await request(one, 'POST', '/v1/messages/own/recall', recall)), '403 APP_FORBIDDEN')
    for (const query of ['', 'token=a&app=chat', 'tokens=a'])
      t.equal(told(await statusOf(one, 'own', query)), '400 REQUEST_INVALID', query)
  })
})
