// Is a session of the console whose row in the store is damaged over, as if nobody had signed in, and does it trouble no other?
import { t } from '../support/tap.ts'
import { request, type RequestOptions } from '../support/index.ts'
import { serve } from '../bridge/support/serve.ts'

const DAMAGED: Record<string, string> = {
  nothing: '',
  'a part of it': '{"digest":"abc',
  'no object': '7',
  null: 'null',
  'a list': '[]',
  'no digest': '{"startedAt":1}',
  'a digest that is none': '{"digest":"abc","startedAt":1}',
  'a digest of another type': '{"digest":{},"startedAt":1}',
  'a time that is none': '{"digest":"abc","startedAt":"now"}',
  'an id of no key': '{"digest":"abc","keyId":"../../x","startedAt":1}',
  'no text': '\u0000\uffff',
}

await t.test('whatever stands there', async (t) => {
  const api = await serve(t, { console: 'local', limits: { signIns: 1_000 } })
  const ask = (method: string, path: string, { headers = {}, ...rest }: RequestOptions = {}) => {
    const host = `localhost:${api.httpPort}`
    const own = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin', 'x-push-console': 'active' }
    return request(api, method, path, { bearer: null, headers: { ...own, ...headers }, ...rest })
  }
  const signIn = async () => {
    const { headers } = await ask('POST', '/v1/session', { body: { key: api.providerKey } })
    return { cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '' }
  }
  const rows = () => api.store.readRows('console', '', 100)
  const other = await signIn()
  const before = new Set((await rows()).map(({ key }) => key))
  const damage = async (text: string) => {
    const headers = await signIn()
    const [row] = (await rows()).filter(({ key }) => !before.has(key))
    t.ok(row, 'the session has a row')
    if (row !== undefined) await api.store.writeRow({ ...row, table: 'console', value: Buffer.from(text) })
    return headers
  }
  for (const [what, text] of Object.entries(DAMAGED)) {
    let headers = await damage(text)
    t.match(await ask('GET', '/v1/session', { headers }), { status: 401, body: { code: 'SESSION_ENDED' } }, what)
    t.equal((await rows()).length, before.size, 'and its row is gone')
    headers = await damage(text)
    t.match(await ask('GET', '/v1/keys', { headers }), { status: 401, body: { code: 'SESSION_ENDED' } }, what)
    headers = await damage(text)
    t.equal((await ask('DELETE', '/v1/session', { headers })).status, 204, `${what}: signed out`)
    t.equal((await rows()).length, before.size)
  }
  t.equal((await ask('GET', '/v1/session', { headers: other })).status, 200)
  t.notMatch(api.logs.join('\n'), /"level":50/)
})
