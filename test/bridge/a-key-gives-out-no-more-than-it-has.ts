// Can a key with keys:admin make, change, see or replace anything beyond its own apps, scopes and end?
import { t } from '../support/tap.ts'
import { request, type RequestOptions } from '../support/api.ts'
import { SCOPES } from '../../topics/index.ts'
import { serve, type Served } from './support/serve.ts'

interface Key {
  readonly id: string
  readonly key: string
}

const OWN = ['keys:admin', 'messages:send'] as const

async function make(api: Served, body: object, bearer?: string): Promise<Key> {
  const answer = await request(api, 'POST', '/v1/keys', { body, ...(bearer === undefined ? {} : { bearer }) })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body
}

function callsOf(api: Served, { key }: Key) {
  const call = (method: string, path: string, options: RequestOptions = {}) =>
    request(api, method, `/v1/keys${path}`, { ...options, bearer: key })
  return {
    make: (body: object) => call('POST', '', { body }),
    change: (id: string, body: object) => call('PATCH', `/${id}`, { body }),
    rotate: (id: string) => call('POST', `/${id}/rotate`, { body: {} }),
    remove: (id: string) => call('DELETE', `/${id}`),
    find: (id: string) => call('GET', `/${id}`),
    list: async () => (await call('GET', '')).body.keys.map(({ id }: Key) => id).toSorted(),
  }
}

await t.test('a key of one app', async (t) => {
  const api = await serve(t)
  const admin = await make(api, { name: 'team', apps: ['chat', 'till'], scopes: OWN })
  const team = callsOf(api, admin)
  const beyond = [
    await make(api, { name: 'foreign', apps: ['mail'], scopes: ['messages:send'] }),
    await make(api, { name: 'both', apps: ['chat', 'mail'], scopes: ['messages:send'] }),
    await make(api, { name: 'every', apps: '*', scopes: ['messages:send'] }),
    await make(api, { name: 'more', apps: ['chat'], scopes: ['messages:send', 'tokens:issue'] }),
  ]
  const plain = { name: 'team-send', apps: ['chat'], scopes: ['messages:send'] }

  const made = await team.make(plain)
  t.match(made, { status: 201, body: { createdBy: `key ${admin.id} of team` } })
  const refused: [object, string][] = [
    [{ ...plain, apps: '*' }, 'APP_FORBIDDEN'],
    [{ ...plain, apps: ['mail'] }, 'APP_FORBIDDEN'],
    [{ ...plain, apps: ['chat', 'mail'] }, 'APP_FORBIDDEN'],
    ...SCOPES.filter((scope) => !OWN.some((own) => own === scope)).map((scope): [object, string] => [
      { ...plain, scopes: ['messages:send', scope] },
      'SCOPE_MISSING',
    ]),
  ]
  for (const [body, code] of refused) {
    t.match(await team.make({ ...plain, ...body }), { status: 403, body: { code } }, JSON.stringify(body))
    for (const id of [made.body.id, admin.id])
      t.match(await team.change(id, body), { status: 403, body: { code } }, `${id} to ${JSON.stringify(body)}`)
  }
  for (const { id } of beyond) {
    const unknown = { status: 404, body: { code: 'KEY_UNKNOWN' } }
    t.match(await team.find(id), unknown)
    t.match(await team.change(id, { name: 'mine' }), unknown)
    t.match(await team.change(id, { apps: ['chat'], scopes: ['messages:send'] }), unknown)
    t.match(await team.rotate(id), unknown)
    t.match(await team.remove(id), unknown)
  }
  t.same(await team.list(), [admin.id, made.body.id].toSorted())

  t.match(await team.change(made.body.id, { apps: ['till'], expiresIn: 60 }), { status: 200 })
  t.match(await team.rotate(made.body.id), { status: 201 })
  t.match(await team.remove(made.body.id), { status: 204 })
  t.match(await team.change(admin.id, { scopes: ['keys:admin'] }), { status: 200 }, 'itself to less')
  t.match(await team.change(admin.id, { scopes: OWN }), { status: 403 }, 'and not back')
  t.match(await team.remove(admin.id), { status: 204 })
  t.match(await team.make(plain), { status: 401, body: { code: 'CREDENTIALS_INVALID' } })
})

await t.test('a key of every app, with few scopes', async (t) => {
  const api = await serve(t)
  const admin = await make(api, { name: 'operator', apps: '*', scopes: OWN })
  const more = await make(api, { name: 'more', apps: ['chat'], scopes: ['messages:send', 'tokens:issue'] })
  const operator = callsOf(api, admin)
  t.same(await operator.list(), [admin.id, more.id].toSorted(), 'sees all')
  t.match(await operator.find(more.id), { status: 200 })
  const refused = { status: 403, body: { code: 'SCOPE_MISSING' } }
  t.match(await operator.rotate(more.id), refused, 'but is not told the secret of more')
  t.match(await operator.change(more.id, { expiresAt: null }), refused)
  t.match(await operator.make({ name: 'x', apps: ['chat'], scopes: ['tokens:issue'] }), refused)
  t.match(await operator.change(admin.id, { scopes: [...OWN, 'tokens:issue'] }), refused)
  t.match(await operator.make({ name: 'x', apps: '*', scopes: OWN }), { status: 201 })
  t.match(await operator.remove(more.id), { status: 204 }, 'and removes what it has to')
})

await t.test('a key that ends', async (t) => {
  const now = Date.UTC(2030, 0, 1)
  const api = await serve(t, { now: () => now })
  const admin = await make(api, { name: 'team', apps: ['chat'], scopes: OWN, expiresIn: 600 })
  const team = callsOf(api, admin)
  const plain = { name: 'team', apps: ['chat'], scopes: ['messages:send'] }
  const { body: made } = await team.make(plain)
  t.equal(made.expiresAt, '2030-01-01T00:10:00.000Z', 'what it gives out ends with it')
  t.match(await team.make({ ...plain, expiresIn: 600 }), { status: 201 })
  const later = { status: 400, body: { code: 'REQUEST_INVALID', detail: /cannot outlive/ } }
  t.match(await team.make({ ...plain, expiresIn: 601 }), later)
  for (const id of [made.id, admin.id]) {
    t.match(await team.change(id, { expiresIn: 601 }), later)
    t.match(await team.change(id, { expiresAt: null }), later)
    t.match(await team.change(id, { expiresIn: 599 }), { status: 200 })
  }
  const endless = await make(api, plain)
  t.match(await team.find(endless.id), { status: 200 }, 'it sees one that ends later')
  t.match(await team.rotate(endless.id), later, 'and is not told the secret of it')
  t.match(await team.rotate(made.id), { status: 201 })
  t.match(await team.rotate(admin.id), { status: 201 }, 'itself, as what replaces it ends with it')
})

await t.test('what was the key before its rotation', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const api = await serve(t, { now: () => now })
  const admin = await make(api, { name: 'team', apps: ['chat'], scopes: OWN })
  const before = callsOf(api, admin)
  const plain = { name: 'team', apps: ['chat'], scopes: OWN }
  const { body: other } = await before.make(plain)
  const path = `/v1/keys/${admin.id}`
  const rotated = await request(api, 'POST', `${path}/rotate`, { body: { overlap: 60 } })
  const { body: made } = await before.make(plain)
  t.equal(made.expiresAt, '2030-01-01T00:01:00.000Z', 'gives out what ends with it')
  const later = { status: 400, body: { code: 'REQUEST_INVALID', detail: /cannot outlive/ } }
  t.match(await before.make({ ...plain, expiresIn: 61 }), later)
  t.match(await before.change(other.id, { expiresIn: 61 }), later)
  for (const id of [other.id, admin.id]) t.match(await before.rotate(id), later, 'and takes over no key that stays')
  t.match(await callsOf(api, rotated.body).rotate(other.id), { status: 201 })
  now += 60_000
  for (const key of [admin, made]) t.match(await callsOf(api, key).find(other.id), { status: 401 })
})

await t.test('nobody takes the name of one who may do more', async (t) => {
  const mail = { name: 'mail', key: 'key-of-the-mail-team-0123456789', apps: ['mail'] }
  const api = await serve(t, { providers: [mail] })
  const [one, other] = await Promise.all(
    ['chat', 'till'].map(async (app) => callsOf(api, await make(api, { name: app, apps: [app], scopes: OWN }))),
  )
  if (one === undefined || other === undefined) throw new Error('two are made')
  const plain = { apps: ['chat'], scopes: ['messages:send'] }
  const taken = { status: 409, body: { code: 'NAME_TAKEN' } }
  for (const name of ['all', 'mail', 'till']) t.match(await one.make({ ...plain, name }), taken, name)
  const { body: made } = await one.make({ ...plain, name: 'chat-send' })
  t.match(await one.change(made.id, { name: 'mail' }), taken)
  t.match(await one.change(made.id, { name: 'chat' }), { status: 200 }, 'its own')
  t.match(await request(api, 'PATCH', `/v1/keys/${made.id}`, { body: { name: 'mail' } }), { status: 200 })

  for (let round = 0; round < 20; round++) {
    const name = `race-${round}`
    const answers = await Promise.all([one.make({ ...plain, name }), other.make({ ...plain, apps: ['till'], name })])
    const made = answers.filter(({ status }) => status === 201)
    t.ok(made.length < 2, `${name}: ${answers.map(({ status }) => status).join(' ')}`)
    const { keys } = (await request(api, 'GET', '/v1/keys')).body
    t.equal(keys.filter((key: { name: string }) => key.name === name).length, made.length)
  }
})

await t.test('keys:admin is needed for every call', async (t) => {
  const shop = { name: 'shop', key: 'key-of-the-shop-0123456789', apps: ['chat'] }
  const api = await serve(t, { providers: [shop] })
  const key = await make(api, { name: 'x', apps: '*', scopes: SCOPES.filter((scope) => scope !== 'keys:admin') })
  for (const bearer of [shop.key, key.key]) {
    const calls = callsOf(api, { id: key.id, key: bearer })
    const plain = { name: 'x', apps: ['chat'], scopes: ['messages:send'] }
    for (const call of [calls.make(plain), calls.change(key.id, plain), calls.rotate(key.id), calls.remove(key.id)])
      t.match(await call, { status: 403, body: { code: 'SCOPE_MISSING', detail: 'keys:admin' } })
    t.match(await calls.find(key.id), { status: 403 })
    t.match(await request(api, 'GET', '/v1/keys', { bearer }), { status: 403 })
  }
  t.match(await request(api, 'GET', '/v1/keys', { bearer: null }), { status: 401 })
})
