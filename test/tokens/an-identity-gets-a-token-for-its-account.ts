// A JWT of an identity provider as the Bearer of POST /v1/tokens: is it good for its own account and apps, and for nothing else?
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { barrier, connectDevice, request, send, temporaryFolder } from '../support/index.ts'
import { issuerKey, keySet, signedBy } from '../auth/support/issuer.ts'
import { ask, issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

const SHOP = 'https://shop.example.com'
const CORP = 'https://corp.example.com'
const AUDIENCE = 'https://push.example.com'

const key = await issuerKey('ES256', 'shop')
const corp = await issuerKey('EdDSA', 'corp')
const jwks = createServer((_, response) => response.end(keySet(key))).listen(0, '127.0.0.1')
await once(jwks, 'listening')
t.teardown(() => jwks.close())
const folder = temporaryFolder(t, 'issuers')
writeFileSync(join(folder, 'corp.json'), keySet(corp))
writeFileSync(
  join(folder, 'issuers.json'),
  JSON.stringify([
    {
      issuer: SHOP,
      audience: AUDIENCE,
      apps: ['chat', 'mail'],
      jwksUri: `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/keys`,
      algorithms: ['ES256'],
      claims: { account: 'sub', app: 'azp', tags: 'groups' },
      accountPrefix: 'shop:',
    },
    {
      issuer: CORP,
      audience: AUDIENCE,
      apps: ['mail'],
      keysFile: join(folder, 'corp.json'),
      algorithms: ['EdDSA'],
      claims: { account: 'email' },
      accountPrefix: 'corp:',
    },
  ]),
)

const settings = { PUSH_ISSUERS_FILE: join(folder, 'issuers.json') }
await onEachEngine(
  t,
  async (t, { one, other }) => {
    const now = Math.floor(Date.now() / 1_000)
    const times = { iat: now, exp: now + 300 }
    const shop = (claims: object = {}) => signedBy(key, { iss: SHOP, aud: AUDIENCE, ...times, ...claims })
    const corps = (claims: object = {}) =>
      signedBy(corp, { iss: CORP, aud: AUDIENCE, email: 'ann@corp', azp: undefined, ...times, ...claims })

    const ann = await issue(one, { app: 'chat', version: '1.0' }, await shop({ groups: ['beta'] }))
    t.equal(ann.account, 'shop:ann')
    t.match(ann.device, /^[\w-]{22}$/)
    const device = await connectDevice(t, other, ann, { subscribe: true })
    await device.subscribe('chat/1.0')
    await send(one, { app: 'chat', version: '1.0', tags: { any: ['beta'] } }, 'for testers')
    t.equal((await device.next()).text, 'for testers', 'its claim gives it tags')
    const reached = await request(other, 'POST', '/v1/messages', {
      body: { to: { app: 'chat', account: 'shop:ann' }, payload: 'x' },
    })
    t.same(reached.body.tokenIds, [ann.tokenId])
    t.same(await barrier(one, device).then((before) => before.map(({ text }) => text)), ['x'])

    const again = await issue(other, { app: 'chat', device: ann.device }, await shop())
    t.equal(again.tokenId, ann.tokenId)
    const employee = await issue(other, { app: 'mail' }, await corps())
    t.equal(employee.account, 'corp:ann@corp', 'two issuers never mean the same account')

    const refusals: [string, object, string, string][] = [
      ['another app than its claim', { app: 'mail' }, await shop(), '403 APP_FORBIDDEN'],
      ['an app that is not the issuer’s', { app: 'bank' }, await corps(), '403 APP_FORBIDDEN'],
      ['another account', { app: 'chat', account: 'shop:bob' }, await shop(), '403 ACCOUNT_FORBIDDEN'],
      [
        'the account of another issuer',
        { app: 'chat', account: 'corp:ann@corp' },
        await shop(),
        '403 ACCOUNT_FORBIDDEN',
      ],
      ['tags of its own', { app: 'chat', tags: ['staff'] }, await shop(), '400 REQUEST_INVALID'],
      [
        'a device of another account',
        { app: 'chat', device: ann.device },
        await shop({ sub: 'bob' }),
        '409 DEVICE_HELD',
      ],
      [
        'keys of another issuer',
        { app: 'chat' },
        await signedBy(corp, { iss: SHOP, aud: AUDIENCE, ...times }),
        '401 TOKEN_INVALID',
      ],
      ['another audience', { app: 'chat' }, await shop({ aud: 'x' }), '401 TOKEN_INVALID'],
      ['one that has ended', { app: 'chat' }, await shop({ exp: now - 120 }), '401 TOKEN_EXPIRED'],
      ['nobody’s', { app: 'chat' }, await shop({ sub: '' }), '401 TOKEN_INVALID'],
      [
        'an issuer that nobody knows',
        { app: 'chat' },
        await shop({ iss: 'https://evil.example.com' }),
        '401 TOKEN_INVALID',
      ],
    ]
    for (const [what, body, bearer, code] of refusals) t.equal(told(await ask(other, body, bearer)), code, what)
    const jwt = await shop()
    t.equal(
      told(await request(one, 'GET', '/v1/messages', { bearer: jwt })),
      '401 TOKEN_INVALID',
      'it is no message token',
    )
    t.equal(
      told(await request(one, 'POST', '/v1/messages', { bearer: jwt, body: {} })),
      '401 TOKEN_INVALID',
      'nor a key',
    )
    await t.rejects(connectDevice(t, one, jwt), { code: 0x86 })

    const bob = await issue(
      other,
      { app: 'chat', device: ann.device, holderToken: ann.token },
      await shop({ sub: 'bob' }),
    )
    t.equal(bob.account, 'shop:bob', 'with the token of who was logged in, another account may log in')
    await device.closed
    const renewed = await issue(one, { app: 'chat' }, bob.token)
    t.equal(renewed.account, 'shop:bob')
  },
  { settings },
)
