// Can keys be made, looked at, changed, replaced and removed over HTTP, each effective with its answer, and no secret kept?
import { t } from '../support/tap.ts'
import { request, type Answer } from '../support/api.ts'
import { serve, type Served } from './support/serve.ts'

const KEY = /^push_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}$/
const NOW = Date.UTC(2030, 0, 1)
const SHOP = { name: 'shop', apps: ['chat'], scopes: ['tokens:issue', 'messages:send'] }

/** What a key is good for, by the answer to a call that needs `tokens:issue`. */
async function tried(api: Served, key: string): Promise<unknown> {
  const answer = await request(api, 'POST', '/v1/tokens', { bearer: key, body: { app: 'chat', device: 'a' } })
  return answer.status === 201 ? 'good' : answer.body.code
}

function make(api: Served, body: unknown): Promise<Answer> {
  return request(api, 'POST', '/v1/keys', { body })
}

await t.test('from the first to the last', async (t) => {
  let now = NOW
  const api = await serve(t, { now: () => now })
  const made = await make(api, { ...SHOP, expiresIn: 3_600 })
  t.match(made, { status: 201, headers: { 'cache-control': 'no-store' } })
  const { key, ...rest } = made.body
  t.match(key, KEY)
  t.same(rest, {
    id: key.split('_')[1],
    name: 'shop',
    apps: ['chat'],
    scopes: ['messages:send', 'tokens:issue'],
    expiresAt: '2030-01-01T01:00:00.000Z',
    quotas: null,
    user: null,
    createdAt: '2030-01-01T00:00:00.000Z',
    createdBy: 'provider all',
    rotatedAt: null,
    previousUntil: null,
  })
  t.equal(await tried(api, key), 'good')
  const path = `/v1/keys/${rest.id}`
  t.same((await request(api, 'GET', path)).body, rest)

  const changed = await request(api, 'PATCH', path, {
    body: { scopes: ['messages:send'], apps: '*', name: 'stall', expiresAt: '2031-01-01T01:00:00+01:00' },
  })
  t.match(changed, {
    status: 200,
    body: { name: 'stall', apps: '*', scopes: ['messages:send'], expiresAt: '2031-01-01T00:00:00.000Z' },
  })
  t.equal(await tried(api, key), 'SCOPE_MISSING', 'at once')
  await request(api, 'PATCH', path, { body: { scopes: SHOP.scopes, expiresAt: null } })
  t.match((await request(api, 'GET', path)).body, { apps: '*', name: 'stall', expiresAt: null })
  t.equal(await tried(api, key), 'good')

  const rotated = await request(api, 'POST', `${path}/rotate`, { body: { overlap: 60 } })
  t.match(rotated, {
    status: 201,
    body: { id: rest.id, key: KEY, rotatedAt: new Date(now).toISOString(), previousUntil: '2030-01-01T00:01:00.000Z' },
  })
  t.notMatch(rotated.body.key, key)
  t.same([await tried(api, key), await tried(api, rotated.body.key)], ['good', 'good'], 'both for a minute')
  now += 60_000
  t.same([await tried(api, key), await tried(api, rotated.body.key)], ['CREDENTIALS_INVALID', 'good'])
  t.match((await request(api, 'GET', path)).body, { previousUntil: null })
  const again = await request(api, 'POST', `${path}/rotate`)
  t.match(again.body, { previousUntil: new Date(now + 86_400_000).toISOString() }, 'a day, where nothing is said')
  const last = await request(api, 'POST', `${path}/rotate`, { body: { overlap: 0 } })
  t.match(last.body, { previousUntil: null })
  t.same(
    await Promise.all([rotated, again, last].map(({ body }) => tried(api, body.key))),
    ['CREDENTIALS_INVALID', 'CREDENTIALS_INVALID', 'good'],
    'without an overlap the former one ends with the answer',
  )

  t.equal((await request(api, 'DELETE', path)).status, 204)
  t.equal(await tried(api, last.body.key), 'CREDENTIALS_INVALID', 'removed')
  for (const [method, place] of [
    ['GET', path],
    ['PATCH', path],
    ['DELETE', path],
    ['POST', `${path}/rotate`],
    ['GET', '/v1/keys/%2F'],
    ['GET', `/v1/keys/${'a'.repeat(900)}`],
  ] as const)
    t.match(
      await request(api, method, place, method === 'PATCH' ? { body: { name: 'x' } } : {}),
      { status: 404, body: { code: 'KEY_UNKNOWN' } },
      `${method} ${place}`,
    )
  const secrets = [key, rotated.body.key, last.body.key].map((each: string) => each.split('_')[2]!)
  const kept = [...api.logs, ...(await api.store.readRows('keys', '', 10)).map(({ value }) => Buffer.from(value))]
  t.notOk(
    secrets.some((secret) => kept.some((each) => each.includes(secret))),
    'no log has a secret',
  )
  const actions = api.logs
    .map((line) => JSON.parse(line))
    .filter(({ audit, action }) => audit === true && action.startsWith('key.'))
  t.match(
    actions,
    ['created', 'changed', 'changed', 'rotated', 'rotated', 'rotated', 'deleted'].map((action) => ({
      action: `key.${action}`,
      by: 'provider all',
      id: rest.id,
      level: 30,
    })),
  )
})

await t.test('one that has expired is not there', async (t) => {
  let now = NOW
  const api = await serve(t, { now: () => now })
  const { key, id } = (await make(api, { ...SHOP, expiresAt: new Date(now + 1_000).toISOString() })).body
  t.equal(await tried(api, key), 'good')
  now += 1_000
  t.equal(await tried(api, key), 'CREDENTIALS_INVALID')
  t.match(await request(api, 'GET', `/v1/keys/${id}`), { status: 404 })
  t.same((await request(api, 'GET', '/v1/keys')).body, { keys: [], cursor: null })
})

await t.test('a list comes in pages, the oldest first', async (t) => {
  let now = NOW
  const api = await serve(t, { now: () => now, limits: { keys: 7 } })
  const ids: string[] = []
  for (let number = 0; number < 7; number++) {
    // Two at one time each.
    if (number % 2 === 0) now += 1
    ids.push((await make(api, { ...SHOP, name: `shop-${number}` })).body.id)
  }
  t.match(await make(api, SHOP), { status: 409, body: { code: 'KEYS_LIMIT' } })
  const seen: { id: string; createdAt: string; key?: string }[] = []
  let cursor: string | null = ''
  for (let pages = 0; cursor !== null; pages++) {
    const query: string = cursor === '' ? 'limit=3' : `limit=3&cursor=${cursor}`
    const { body } = await request(api, 'GET', `/v1/keys?${query}`)
    t.equal(body.keys.length, pages < 2 ? 3 : 1)
    seen.push(...body.keys)
    cursor = body.cursor
  }
  t.same(new Set(seen.map(({ id }) => id)), new Set(ids))
  t.same(
    seen.map(({ createdAt }) => createdAt),
    seen.map(({ createdAt }) => createdAt).toSorted(),
  )
  t.notOk(seen.some((each) => 'key' in each || 'digest' in each))
  for (const wrong of ['x', '', Buffer.from('1.x.y').toString('base64url')])
    t.match(await request(api, 'GET', `/v1/keys?cursor=${wrong}`), { status: 400, body: { code: 'CURSOR_INVALID' } })
})

await t.test('what makes no sense is refused, and says what', async (t) => {
  const api = await serve(t)
  const quota = (receivers: unknown) => ({ ...SHOP, quotas: { receivers } })
  const wrong: [unknown, string, RegExp][] = [
    [{}, 'REQUEST_INVALID', /name/],
    [{ name: 'shop', scopes: SHOP.scopes }, 'REQUEST_INVALID', /apps/],
    [{ name: 'shop', apps: ['chat'] }, 'REQUEST_INVALID', /scopes/],
    [{ ...SHOP, apps: [] }, 'REQUEST_INVALID', /body\/apps must be a list of 1 to 100 names, or "\*"/],
    [{ ...SHOP, apps: 'chat' }, 'REQUEST_INVALID', /body\/apps/],
    [{ ...SHOP, apps: ['chat', 'chat'] }, 'REQUEST_INVALID', /body\/apps/],
    [{ ...SHOP, apps: ['*'] }, 'REQUEST_INVALID', /for every app, use `"apps": "\*"`/],
    [{ ...SHOP, apps: ['a/b'] }, 'NAME_INVALID', /apps/],
    [{ ...SHOP, name: '' }, 'NAME_INVALID', /name/],
    [{ ...SHOP, name: '$program' }, 'NAME_INVALID', /name/],
    [{ ...SHOP, scopes: [] }, 'REQUEST_INVALID', /scopes/],
    [{ ...SHOP, scopes: ['everything'] }, 'REQUEST_INVALID', /scopes/],
    [{ ...SHOP, scopes: ['messages:send', 'messages:send'] }, 'REQUEST_INVALID', /scopes/],
    [{ ...SHOP, expiresAt: '2020-01-01T00:00:00Z' }, 'REQUEST_INVALID', /must be in the future/],
    [{ ...SHOP, expiresAt: 'tomorrow' }, 'REQUEST_INVALID', /expiresAt must match format "date-time"/],
    [{ ...SHOP, expiresAt: '2030-13-01T00:00:00Z' }, 'REQUEST_INVALID', /expiresAt/],
    [{ ...SHOP, expiresAt: null }, 'REQUEST_INVALID', /expiresAt/],
    [{ ...SHOP, expiresIn: 0 }, 'REQUEST_INVALID', /expiresIn/],
    [{ ...SHOP, expiresIn: 60, expiresAt: '2060-01-01T00:00:00Z' }, 'REQUEST_INVALID', /one of/],
    [{ ...SHOP, app: 'chat' }, 'REQUEST_INVALID', /unknown field app/],
    [quota([]), 'REQUEST_INVALID', /receivers/],
    [quota({ count: 0, seconds: 1 }), 'REQUEST_INVALID', /receivers/],
    [quota([1, 2, 3].map((seconds) => ({ count: 1, seconds }))), 'REQUEST_INVALID', /receivers/],
    [{ ...quota({ count: 1, seconds: 1 }), scopes: ['keys:admin'] }, 'REQUEST_INVALID', /cannot have quotas/],
  ]
  for (const [body, code, detail] of wrong) {
    const answer = await make(api, body)
    t.match(answer, { status: 400, body: { code, detail } }, JSON.stringify(body))
  }
  t.same((await request(api, 'GET', '/v1/keys')).body.keys, [])
  const { id } = (await make(api, quota([{ count: 1, seconds: 1 }]))).body
  const path = `/v1/keys/${id}`
  for (const [body, detail] of [
    [{}, /fewer than 1/],
    [{ scopes: ['keys:admin'] }, /cannot have quotas/],
    [{ expiresAt: '' }, /a date and time/],
    [{ expiresIn: 5, expiresAt: null }, /one of/],
    [{ key: 'x' }, /unknown field key/],
  ] as const)
    t.match(await request(api, 'PATCH', path, { body }), { status: 400, body: { detail } }, JSON.stringify(body))
  t.match((await request(api, 'GET', path)).body.quotas, { receivers: { count: 1, seconds: 1 } })
  t.match(await request(api, 'PATCH', path, { body: { quotas: null, scopes: ['keys:admin'] } }), { status: 200 })
  for (const overlap of [-1, 1.5, 31 * 86_400])
    t.match(await request(api, 'POST', `${path}/rotate`, { body: { overlap } }), { status: 400 })
})

await t.test('of many changes at one time none is lost', async (t) => {
  const api = await serve(t)
  const { id } = (await make(api, SHOP)).body
  const path = `/v1/keys/${id}`
  const changes = [{ apps: ['chat', 'till'] }, { scopes: ['messages:read'] }, { name: 'stall' }, { expiresIn: 900 }]
  const answers = await Promise.all(changes.map((body) => request(api, 'PATCH', path, { body })))
  t.same(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  )
  const { body } = await request(api, 'GET', path)
  t.match(body, { apps: ['chat', 'till'], scopes: ['messages:read'], name: 'stall', expiresAt: String })
})
