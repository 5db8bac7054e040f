// A device logs out: is its session over at once, is what waits for it kept or dropped as it wishes, and can nobody else do it?
import { t } from '../support/tap.ts'
import { connectDevice, lookup, request, send } from '../support/index.ts'
import { honoured, issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

await onEachEngine(t, async (t, { one, other }) => {
  const names = { app: 'chat', device: 'd', account: 'ann', version: '1.0' }
  const logOut = (token: string, query = '') =>
    request(other, 'DELETE', `/v1/tokens/current${query}`, { bearer: token })

  const first = await issue(one, names)
  const device = await connectDevice(t, one, first, { protocolVersion: 5 })
  await send(one, { token: first.token }, 'private')
  await send(one, { app: 'chat', version: '1.0' }, 'to all')
  t.equal((await logOut(first.token)).status, 204)
  await device.closed
  t.equal(await honoured(one, first.token), 'TOKEN_REVOKED')
  t.equal(told(await logOut(first.token)), '403 TOKEN_REVOKED', 'once')
  const second = await issue(one, names)
  const texts = async (token: string) => (await lookup(one, token)).messages.map(({ payload }) => payload).toSorted()
  t.same(await texts(second.token), ['private', 'to all'], 'what was pending waits for a new token')
  t.equal(told(await logOut(first.token)), '403 TOKEN_REVOKED', 'an old token ends no newer one')
  t.equal(await honoured(one, second.token), '200')

  t.equal((await logOut(second.token, '?purge=true')).status, 204)
  const third = await issue(one, names)
  t.same(await texts(third.token), [], 'unless it was purged')
  await send(one, { token: third.token }, 'after')
  await send(one, { app: 'chat', version: '1.0' }, 'after all')
  t.same(await texts(third.token), ['after', 'after all'])
  t.equal(told(await logOut(one.providerKey)), '403 NOT_A_DEVICE')
  t.equal(told(await logOut(third.token, '?purge=maybe')), '400 REQUEST_INVALID')

  const ann = await issue(one, { ...names, device: 'switched' })
  const bob = await issue(one, { ...names, device: 'switched', account: 'bob' })
  t.equal(told(await logOut(ann.token)), '403 TOKEN_SUPERSEDED', 'who is switched away logs nobody out')
  t.equal(await honoured(one, bob.token), '200')
})
