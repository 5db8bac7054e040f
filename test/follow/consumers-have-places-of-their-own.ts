// Has each consumer of each provider a place of its own in the events, which nobody else can move?
import { t } from '../support/tap.ts'
import { issueToken, request } from '../support/index.ts'
import { acknowledge, ask, drain, eachEngine, look, receipt } from './support/events.ts'
import { APP } from './support/node.ts'

const SHOP = 'key-of-the-shop-0123456789abcdef'
const OTHER = 'key-of-another-app-0123456789abcd'

await eachEngine(t, async (t, start) => {
  const providers = [
    { name: 'shop', key: SHOP, apps: [APP] },
    { name: 'other', key: OTHER, apps: ['other'] },
  ]
  const api = await start({ providers })
  const phone = await issueToken(api, { app: APP, device: 'phone' })
  for (const id of ['1', '2', '3']) await receipt(api.store, phone, id)
  const idsOf = async (query: object, bearer?: string) =>
    (await look(api, query, bearer === undefined ? {} : { bearer })).events.map(({ id }) => id)

  await t.test('consumers, and providers', async (t) => {
    await look(api, { consumer: 'acknowledges nothing' })
    t.same(await idsOf({ consumer: 'a' }), ['1', '2', '3'], 'from the earliest')
    t.same(await idsOf({ consumer: 'late', from: 'latest' }), [])
    const { cursor } = await look(api, { consumer: 'a', limit: 2 })
    t.equal((await acknowledge(api, cursor, { consumer: 'a' })).status, 204)
    t.same(await idsOf({ consumer: 'a' }), ['3'])
    t.equal((await acknowledge(api, cursor, { consumer: 'a' })).status, 204, 'again')
    t.same(await idsOf({ consumer: 'a' }), ['3'])
    t.same(await idsOf({ consumer: 'a' }, SHOP), ['1', '2', '3'], 'another provider, whose consumer has the same name')
    await receipt(api.store, phone, '4')
    t.same(await idsOf({ consumer: 'late', from: 'earliest' }), ['4'], 'one that is known stays where it is')
    t.same(await idsOf({ consumer: 'a' }), ['3', '4'])
  })

  await t.test('a cursor is of one consumer', async (t) => {
    const { cursor } = await look(api, { consumer: 'a' })
    for (const [query, caller] of [
      [{ consumer: 'b' }, {}],
      [{ consumer: 'a', app: 'elsewhere' }, {}],
      [{ consumer: 'a' }, { bearer: SHOP }],
    ] as const)
      t.match(await acknowledge(api, cursor, query, caller), { status: 400, body: { code: 'CURSOR_INVALID' } })
  })

  await t.test('a key that replaces another one has its consumers', async (t) => {
    const body = { name: 'made', apps: [APP], scopes: ['events:read'] }
    const made = await request(api, 'POST', '/v1/keys', { body })
    const page = await look(api, { limit: 3 }, { bearer: made.body.key })
    const rotated = await request(api, 'POST', `/v1/keys/${made.body.id}/rotate`, { body: { overlap: 0 } })
    t.equal((await acknowledge(api, page.cursor, {}, { bearer: rotated.body.key })).status, 204)
    t.same(await idsOf({}, rotated.body.key), ['4'])
    t.match(await ask(api, {}, { bearer: made.body.key }), { status: 401 })
  })

  await t.test('one that is ended is gone, and begins again', async (t) => {
    const { cursor } = await look(api, { consumer: 'a' })
    const end = (bearer = api.providerKey) => request(api, 'DELETE', `/v1/events/consumers/a?app=${APP}`, { bearer })
    t.equal((await end()).status, 204)
    t.equal((await end()).status, 204)
    t.match(await acknowledge(api, cursor, { consumer: 'a' }), { status: 404, body: { code: 'CONSUMER_UNKNOWN' } })
    t.same(
      (await drain(api, { consumer: 'a' })).events.map(({ id }) => id),
      ['1', '2', '3', '4'],
    )
    t.same(await idsOf({ consumer: 'a' }, SHOP), ['1', '2', '3', '4'], 'that of another provider is not')
    t.match(await end(OTHER), { status: 403, body: { code: 'APP_FORBIDDEN' } })
  })

  await t.test('who may not', async (t) => {
    const refused = async (code: string, query: object, bearer?: string) =>
      t.match((await ask(api, query, bearer === undefined ? {} : { bearer })).body, { code })
    await refused('APP_FORBIDDEN', {}, OTHER)
    await refused('APP_FORBIDDEN', { app: 'other' }, SHOP)
    await refused('NAME_INVALID', { app: 'a%b' })
    await refused('NAME_INVALID', { consumer: 'a/b' })
    await refused('NAME_INVALID', { consumer: 'c'.repeat(129) })
    await refused('REQUEST_INVALID', { types: 'message.lost' })
    await refused('REQUEST_INVALID', { types: '' })
    await refused('REQUEST_INVALID', { limit: 1_001 })
    t.match((await acknowledge(api, 'x', {}, { bearer: OTHER })).body, { code: 'APP_FORBIDDEN' })
    t.match((await acknowledge(api, 'x')).body, { code: 'CURSOR_INVALID' })
    const keyWith = async (...scopes: string[]) =>
      (await request(api, 'POST', '/v1/keys', { body: { name: scopes.join(), apps: [APP], scopes } })).body.key
    await refused('SCOPE_MISSING', {}, await keyWith('messages:read'))
    await refused('SCOPE_MISSING', { types: 'upstream' }, await keyWith('events:read'))
    t.equal(
      (await ask(api, { types: 'upstream' }, { bearer: await keyWith('events:read', 'messages:read') })).status,
      200,
    )
  })
})
