// Does a quota of a key count receivers, refuse what goes beyond it as a whole, and say when there is more?
import { t } from '../support/tap.ts'
import { issueToken, type RequestOptions, request } from '../support/api.ts'
import { makeKey } from '../support/keys.ts'
import { serve, type Served } from './support/serve.ts'

/** The start of a day. */
const NOW = Date.UTC(2030, 0, 1)
const SENDS = ['messages:send', 'tokens:issue']

const minute = (count: number) => ({ receivers: { count, seconds: 60 } })
async function tokensOf(api: Served, count: number): Promise<string[]> {
  const devices = Array.from({ length: count }, (_, number) => ({ app: 'chat', device: `d${number}` }))
  return (await Promise.all(devices.map((names) => issueToken(api, names)))).map(({ tokenId }) => tokenId)
}
function sender(api: Served, bearer: string) {
  return (to: object, more: RequestOptions & { id?: string } = {}) =>
    request(api, 'POST', '/v1/messages', {
      bearer,
      body: { to, payload: 'x', ...(more.id === undefined ? {} : { id: more.id }) },
    })
}

const unknownId = (number: number): string => `${number}A`.padStart(22, 'A')

await t.test('one window', async (t) => {
  let now = NOW + 15_500
  const api = await serve(t, { now: () => now })
  const tokens = await tokensOf(api, 6)
  const { key } = await makeKey(api, { scopes: SENDS, quotas: minute(10) })
  const send = sender(api, key)

  const first = await send({ tokens: tokens.slice(0, 5) })
  t.match(first, {
    status: 202,
    headers: { 'ratelimit-policy': '"receivers-60";q=10;w=60', ratelimit: '"receivers-60";r=5;t=45' },
  })
  t.match(
    await send({ app: 'chat', versions: '*' }),
    { status: 202, headers: { ratelimit: /r=4;/ } },
    'a broadcast is one',
  )
  const beyond = await send({ tokens })
  t.match(beyond, {
    status: 429,
    headers: { 'retry-after': '45', ratelimit: '"receivers-60";r=4;t=45' },
    body: { code: 'QUOTA_EXCEEDED', detail: '10 receivers in 60 s' },
  })
  t.notOk('id' in beyond.body, 'nobody has any of it')
  for (const token of tokens.slice(5)) t.equal((await api.store.readPrivate(token, 0, { entries: 9, bytes: 9 })).end, 0)
  t.match(await send({ tokens: tokens.slice(0, 4) }), { status: 202, headers: { ratelimit: /r=0;/ } }, 'what is left')
  now += 44_000
  t.match(await send({ token: tokens[0] }), { status: 429, headers: { 'retry-after': '1' } })
  now += 500
  t.match(await send({ token: tokens[0] }), { status: 202, headers: { ratelimit: '"receivers-60";r=9;t=60' } })

  const plain = await request(api, 'POST', '/v1/messages', { body: { to: { token: tokens[0] }, payload: 'x' } })
  t.notOk('ratelimit' in plain.headers || 'ratelimit-policy' in plain.headers, 'nothing of it without a quota')
})

await t.test('who gets nothing does not count', async (t) => {
  const now = NOW
  const api = await serve(t, { now: () => now })
  const [token = ''] = await tokensOf(api, 1)
  const { key } = await makeKey(api, { scopes: SENDS, quotas: minute(300) })
  const send = sender(api, key)
  const unknown = Array.from({ length: 200 }, (_, number) => unknownId(number))
  t.match(await send({ tokens: [token, ...unknown, token] }), {
    status: 202,
    body: { accepted: 1 },
    headers: { ratelimit: /r=299;/ },
  })
  t.match(await send({ tokens: ['nonsense', token] }), { headers: { ratelimit: /r=298;/ } })
  t.match(await send({ app: 'chat/', versions: '*' }), { status: 400, headers: { ratelimit: /r=298;/ } })
  t.match(await send({ tokens: Array.from({ length: 301 }, (_, number) => unknownId(number)) }), {
    status: 429,
  })
})

await t.test('two windows hold both', async (t) => {
  let now = NOW
  const api = await serve(t, { now: () => now })
  const tokens = await tokensOf(api, 8)
  const receivers = [
    { count: 8, seconds: 60 },
    { count: 12, seconds: 86_400 },
  ]
  const { key } = await makeKey(api, { scopes: SENDS, quotas: { receivers } })
  const send = sender(api, key)
  t.match((await send({ tokens })).headers, {
    'ratelimit-policy': '"receivers-60";q=8;w=60, "receivers-86400";q=12;w=86400',
    ratelimit: '"receivers-60";r=0;t=60, "receivers-86400";r=4;t=86400',
  })
  const short = await send({ token: tokens[0] })
  t.match(short, { status: 429, headers: { 'retry-after': '60', ratelimit: '"receivers-60";r=0;t=60' } })
  now += 60_000
  t.match(await send({ tokens }), { status: 429, headers: { 'retry-after': `${86_400 - 60}` } }, 'the longer one')
  t.match(await send({ tokens: tokens.slice(4) }), { status: 202 })
  t.match(await send({ token: tokens[0] }), { status: 429, headers: { 'retry-after': `${86_400 - 60}` } })
})

await t.test('a quota that is changed holds at once, and what was used stays used', async (t) => {
  const api = await serve(t, { now: () => NOW })
  const tokens = await tokensOf(api, 4)
  const { id, key } = await makeKey(api, { scopes: SENDS, quotas: minute(1_000) })
  const send = sender(api, key)
  await send({ tokens })
  const change = (quotas: unknown) => request(api, 'PATCH', `/v1/keys/${id}`, { body: { quotas } })
  await change(minute(5))
  t.match(await send({ tokens: tokens.slice(0, 2) }), { status: 429 })
  await change(minute(2_000))
  t.match(await send({ tokens }), { status: 202 })
  await change(null)
  t.notOk('ratelimit' in (await send({ tokens })).headers)
  const { key: other } = await makeKey(api, { scopes: SENDS, quotas: minute(1) })
  t.match(await sender(api, other)({ token: tokens[0] }), { status: 202 }, 'each key has its own')
})

await t.test('a store that is away is no quota that is used up', async (t) => {
  let isAway = false
  const api = await serve(t, {
    now: () => NOW,
    around: (store) => ({
      writeRow: async (write) => {
        if (isAway && write.table === 'quotas')
          throw new (await import('../../errors.ts')).PushError('STORE_UNAVAILABLE')
        return await store.writeRow(write)
      },
    }),
  })
  const [token = ''] = await tokensOf(api, 1)
  const { key } = await makeKey(api, { scopes: SENDS, quotas: minute(5) })
  isAway = true
  t.match(await sender(api, key)({ token }), { status: 503, body: { code: 'STORE_UNAVAILABLE' } })
  isAway = false
  t.match(await sender(api, key)({ token }), { status: 202 })
})
