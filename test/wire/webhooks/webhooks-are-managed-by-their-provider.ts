// Does a provider make, change, test, replay and delete its webhooks, and nobody else's?
import { t } from '../../support/tap.ts'
import { eventually, request, startServer } from '../../support/index.ts'
import { act, APP, changeWebhook, findWebhook, happen, makeWebhook } from './support/api.ts'
import { MAY_CALL, startReceiver, verify } from './support/receiver.ts'

const SCOPES = ['webhooks:write', 'events:read', 'messages:read']

await t.test('all of it', async (t) => {
  const settings = { ...MAY_CALL, PUSH_MAX_WEBHOOKS: '2' }
  const server = await startServer(t, { settings })
  const receiver = await startReceiver(t)
  const makeKey = async (fields: object) => {
    const body = { name: 'shop', apps: [APP], scopes: SCOPES, ...fields }
    return (await request(server, 'POST', '/v1/keys', { body })).body
  }
  const { key: shop, id: keyId } = await makeKey({})
  const { key: other } = await makeKey({ name: 'other' })
  const { key: elsewhere } = await makeKey({ apps: ['chat'] })
  const made = await makeWebhook(server, receiver.url, {}, { bearer: shop })

  await t.test('who sees it', async (t) => {
    for (const bearer of [other, elsewhere]) {
      const path = `/v1/webhooks/${made.id}`
      t.match(await request(server, 'GET', path, { bearer }), { status: 404, body: { code: 'WEBHOOK_UNKNOWN' } })
      t.match(await request(server, 'DELETE', path, { bearer }), { status: 404 })
      for (const what of ['enable', 'test', 'replay', 'rotate'])
        t.match(await request(server, 'POST', `${path}/${what}`, { bearer }), { status: 404 }, what)
      t.same((await request(server, 'GET', '/v1/webhooks', { bearer })).body.webhooks, [])
    }
    const { webhooks } = (await request(server, 'GET', '/v1/webhooks', { bearer: shop })).body
    t.match(webhooks, [{ id: made.id, provider: 'shop', createdBy: `key ${keyId} of shop` }])
    t.notOk('secret' in webhooks[0])
    t.match((await request(server, 'GET', '/v1/webhooks')).body.webhooks, [{ id: made.id }], 'who may give out keys')
    t.notOk('secret' in (await findWebhook(server, made)))
  })

  await t.test('what is needed', async (t) => {
    const post = (body: object, bearer: string) => request(server, 'POST', '/v1/webhooks', { body, bearer })
    const body = { app: APP, url: receiver.url }
    const { key: poor } = await makeKey({ scopes: ['events:read'] })
    const { key: blind } = await makeKey({ scopes: ['webhooks:write'] })
    const { key: deaf } = await makeKey({ scopes: ['webhooks:write', 'events:read'] })
    t.match(await post(body, poor), { status: 403, body: { code: 'SCOPE_MISSING', detail: 'webhooks:write' } })
    t.match(await post(body, blind), { status: 403, body: { code: 'SCOPE_MISSING', detail: 'events:read' } })
    const upstream = { ...body, types: ['upstream'] }
    t.match(await post(upstream, deaf), { status: 403, body: { code: 'SCOPE_MISSING', detail: 'messages:read' } })
    t.match(await post({ ...body, app: 'chat' }, shop), { status: 403, body: { code: 'APP_FORBIDDEN' } })
    t.match(await post({ ...body, app: 'a/b' }, shop), { status: 400, body: { code: 'NAME_INVALID' } })
    t.match(await post({ ...body, types: ['no.such'] }, shop), { status: 400, body: { code: 'REQUEST_INVALID' } })
    t.match(await post({ ...body, secret: 'whsec_mine' }, shop), { status: 400, body: { code: 'REQUEST_INVALID' } })
    t.match(await post(body, shop), { status: 201 })
    t.match(await post(body, shop), { status: 409, body: { code: 'WEBHOOKS_LIMIT' } })
    t.match(await post(body, other), { status: 201 }, 'each provider has its own')
  })

  await t.test('test', async (t) => {
    t.same(await act(server, made, 'test', { bearer: shop }), { delivered: true, status: 204, failure: null })
    const call = await receiver.calls.nextWhere(({ type }) => type === 'webhook.test')
    verify(made.secret, call)
    receiver.answer = 500
    t.same(await act(server, made, 'test'), { delivered: false, status: 500, failure: 'status' })
    receiver.answer = 204
  })

  await t.test('rotate', async (t) => {
    const rotated = await act(server, made, 'rotate', { bearer: shop })
    t.match(rotated, { id: made.id, secret: /^whsec_/, previousUntil: /^20/ })
    t.not(rotated.secret, made.secret)
    await happen(server, 'a')
    const call = await receiver.calls.nextWhere(
      ({ type, headers }) => type === 'events' && /v1,.* v1,/.test(headers['webhook-signature'] ?? ''),
    )
    verify(made.secret, call)
    verify(rotated.secret, call)
    const alone = await act(server, made, 'rotate', { body: { overlap: 0 } })
    t.equal(alone.previousUntil, null)
    await act(server, made, 'test')
    const last = await receiver.calls.nextWhere(({ type }) => type === 'webhook.test')
    verify(alone.secret, last)
    t.throws(() => verify(rotated.secret, last))
  })

  await t.test('change', async (t) => {
    const moved = await startReceiver(t)
    t.match(await changeWebhook(server, made, { url: moved.url, types: ['token.revoked'] }, { bearer: shop }), {
      url: moved.url,
      types: ['token.revoked'],
    })
    const tokenId = await happen(server, 'b')
    await request(server, 'DELETE', `/v1/tokens/${tokenId}`)
    const call = await moved.calls.next()
    t.match(call.events, [{ type: 'token.revoked', tokenId }])
    t.match(await changeWebhook(server, made, { enabled: false }), { state: 'disabled', disabledBecause: 'asked' })
    await request(server, 'DELETE', `/v1/tokens/${await happen(server, 'c')}`)
    await act(server, made, 'enable', { bearer: shop })
    t.equal((await moved.calls.next()).events.length, 1)
    t.match(await request(server, 'PATCH', `/v1/webhooks/${made.id}`, { body: {} }), { status: 400 })
    t.match(await request(server, 'PATCH', `/v1/webhooks/${made.id}`, { body: { enabled: true } }), { status: 400 })
  })

  await t.test('with its key', async (t) => {
    await request(server, 'DELETE', `/v1/keys/${keyId}`)
    await eventually('it is disabled', async () => (await findWebhook(server, made)).disabledBecause === 'credentials')
    const { key } = await makeKey({})
    t.match(await act(server, made, 'enable', { bearer: key }), { state: 'enabled' })
  })
})

await t.test('a key that may do less disables what stands on it', async (t) => {
  const server = await startServer(t, { settings: MAY_CALL })
  const receiver = await startReceiver(t)
  const body = { name: 'shop', apps: [APP, 'chat'], scopes: SCOPES }
  for (const change of [{ apps: ['chat'] }, { scopes: ['events:read'] }, { scopes: ['webhooks:write'] }]) {
    const { key, id } = (await request(server, 'POST', '/v1/keys', { body })).body
    const made = await makeWebhook(server, receiver.url, {}, { bearer: key })
    await request(server, 'PATCH', `/v1/keys/${id}`, { body: change })
    await eventually('it is disabled', async () => (await findWebhook(server, made)).disabledBecause === 'credentials')
  }
})
