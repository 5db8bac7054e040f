// Can the program that embeds push make and change keys itself, with the checks and answers of HTTP?
import { t } from '../support/tap.ts'
import { connectProvider, request } from '../support/index.ts'
import { embed, PROVIDER_KEY } from './support/embed.ts'

const providers = [
  { name: 'backend', key: PROVIDER_KEY },
  { name: 'mail', key: 'key-of-the-mail-provider-1', apps: ['mail'] },
]
const SHOP = { name: 'shop', apps: ['chat'], scopes: ['messages:send'] } as const

await t.test('all of it', async (t) => {
  const server = await embed(t, { providers })
  const { push } = server
  const made = await push.createKey({ ...SHOP, expiresIn: undefined })
  t.match(made, { ...SHOP, createdBy: 'provider $program', expiresAt: null })
  await connectProvider(t, { ...server, providerKey: made.key })
  const { key, ...rest } = made
  t.same(await push.findKey(made.id), rest)
  t.same((await push.listKeys()).keys, [rest])
  const query = {}
  await push.listKeys(query)
  t.same(query, {}, 'what the program gives stays as it is')
  t.match(await push.changeKey(made.id, { scopes: ['messages:send', 'messages:read'] }), {
    scopes: ['messages:send', 'messages:read'],
  })
  const rotated = await push.rotateKey(made.id, { overlap: 0 })
  t.not(rotated.key, key)
  const answer = (bearer: string) => request(server, 'GET', '/v1/keys', { bearer })
  t.match(await answer(rotated.key), { status: 403, body: { code: 'SCOPE_MISSING' } })
  t.match(await answer(key), { status: 401 })
  await push.deleteKey(made.id)
  t.match(await answer(rotated.key), { status: 401 })
  await t.rejects(push.deleteKey(made.id), { code: 'KEY_UNKNOWN' })

  await t.rejects(push.createKey({ ...SHOP, apps: [] }), { code: 'REQUEST_INVALID', detail: /^body\/apps / })
  await t.rejects(push.changeKey('x', {}), { code: 'REQUEST_INVALID' })
  await t.rejects(push.listKeys({ limit: 0 }), { code: 'REQUEST_INVALID', detail: /^querystring\/limit / })
  await t.rejects(push.findKey(7 as never), { code: 'REQUEST_INVALID' })
  await t.rejects(push.createKey(SHOP, { provider: 'mail' }), { code: 'SCOPE_MISSING' })
})
