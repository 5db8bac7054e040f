// Two accounts that fight for one device: who takes it over, with what proof, and does a stranger ever end the holder's session?
import { t } from '../support/tap.ts'
import { connectDevice, request, revoke } from '../support/index.ts'
import { ask, enrol, honoured, issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

await onEachEngine(t, async (t, { one, other }) => {
  const code = async (account: string, more: object = {}) => (await enrol(one, { app: 'chat', account, ...more })).code
  const at = { app: 'chat', device: 'shared tablet' }

  const ann = await issue(one, at, await code('ann'))
  t.equal(ann.account, 'ann')
  const connected = await connectDevice(t, one, ann, { subscribe: true })

  for (const [what, body] of Object.entries({
    nothing: at,
    'a word': { ...at, holderToken: 'eyJ' },
    'a forged token': { ...at, holderToken: `${ann.token.slice(0, -4)}AAAA` },
    'a token of another device': {
      ...at,
      holderToken: (await issue(one, { app: 'chat', device: 'own phone' }, await code('eve'))).token,
    },
  }))
    t.equal(told(await ask(other, body, await code('eve'))), '409 DEVICE_HELD', `eve has ${what}`)
  t.equal(await honoured(other, ann.token), '200', 'ann is still logged in')
  t.ok(connected.client.connected, 'and her connection is open')

  const bob = await issue(other, { ...at, holderToken: ann.token }, await code('bob'))
  t.equal(bob.account, 'bob')
  await connected.closed
  t.equal(await honoured(one, ann.token), 'TOKEN_SUPERSEDED')
  t.equal(
    told(await ask(other, { ...at, holderToken: ann.token }, await code('eve'))),
    '409 DEVICE_HELD',
    'a token that has been superseded holds nothing',
  )

  const { status } = await request(other, 'DELETE', '/v1/tokens/current', { bearer: bob.token })
  t.equal(status, 204)
  const eve = await issue(one, at, await code('eve'))
  t.equal(eve.account, 'eve', 'after a logout the device is free')
  await revoke(one, eve.tokenId)
  const carl = await issue(other, at, await code('carl'))
  t.equal(carl.account, 'carl', 'and after a revocation')
  const dora = await issue(other, at, await code('dora', { takeOver: true }))
  t.equal(dora.account, 'dora', 'and for a code that takes over')
  await issue(one, { ...at, account: 'emil' })
  t.equal(await honoured(other, dora.token), 'TOKEN_SUPERSEDED', 'and for a provider')
  const revoked = await request(one, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account: 'emil' } })
  t.equal(revoked.status, 204)
  await issue(one, at, await code('fred'))
  t.pass('and after all tokens of the account were revoked')

  const none = await issue(one, { app: 'chat', device: 'new' }, await code(''))
  t.equal(none.account, '', 'not logged in is an account too')
  t.equal(told(await ask(other, { app: 'chat', device: 'new' }, await code('eve'))), '409 DEVICE_HELD')
  await issue(one, { app: 'chat', device: 'new', holderToken: none.token }, await code('ann'))
})
