// Does a device renew its own token, for the same app, device and account only, and for no longer than it was meant to?
import { t } from '../support/tap.ts'
import { ask, honoured, issue, told, type Token } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

const ANN = { app: 'chat', device: 'phone-1', account: 'ann', version: '1.0' }

await onEachEngine(t, async (t, { one, other }) => {
  const soon = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 3_600_000).toISOString()
  const first = await issue(one, { ...ANN, ttl: 600, renewUntil: soon })
  t.equal(first.renewUntil, soon)
  const left = Date.parse(first.renewAfter) - Date.now()
  t.ok(left > 395_000 && left <= 400_000, 'it is to be renewed after two thirds of its life')

  const second = await issue(other, { app: 'chat', version: '2.0' }, first.token)
  t.equal(second.tokenId, first.tokenId)
  t.equal(second.device, 'phone-1')
  t.equal(second.account, 'ann')
  t.equal(second.topics.broadcast, 'chat/2.0', 'only the version may change')
  t.equal(second.renewUntil, soon, 'it is inherited')
  t.ok(Date.parse(String(second.expiresAt)) <= Date.parse(soon), 'and nothing lasts longer')
  const third = await issue(one, { app: 'chat' }, second.token)
  t.equal(third.topics.broadcast, 'chat/2.0')
  t.equal(third.renewUntil, soon)
  const length = (token: Token) => Date.parse(String(token.expiresAt)) - Date.now()
  t.ok(length(third) > 595_000 && length(third) <= 600_000, 'it lives as long as the first one')
  const shorter = await issue(one, { app: 'chat', ttl: 60 }, third.token)
  t.ok(length(shorter) <= 60_000, 'or shorter, if it asks for that')
  t.ok(length(await issue(one, { app: 'chat', ttl: 600 }, shorter.token)) <= 60_000, 'and never longer')
  for (const token of [first, second, third]) t.equal(await honoured(other, token.token), '200')

  const refusals = {
    'another app': [{ app: 'mail' }, '403 APP_FORBIDDEN'],
    'another device': [{ app: 'chat', device: 'phone-2' }, '400 REQUEST_INVALID'],
    'another account': [{ app: 'chat', account: 'bob' }, '403 ACCOUNT_FORBIDDEN'],
    'no account': [{ app: 'chat', account: '' }, '403 ACCOUNT_FORBIDDEN'],
    tags: [{ app: 'chat', tags: ['staff'] }, '400 REQUEST_INVALID'],
    'a longer time': [{ app: 'chat', renewUntil: '2040-01-01T00:00:00Z' }, '400 REQUEST_INVALID'],
  } as const
  for (const [what, [body, code]] of Object.entries(refusals))
    t.equal(told(await ask(other, body, third.token)), code, what)

  const over = await issue(one, { ...ANN, renewUntil: '2020-01-01T00:00:00Z' })
  t.equal(told(await ask(other, { app: 'chat' }, over.token)), '403 TOKEN_NOT_RENEWABLE')
  t.equal(told(await ask(one, { ...ANN, renewUntil: '2099-01-01T00:00:00Z' })), '400 REQUEST_INVALID')
  t.equal(told(await ask(one, { ...ANN, renewUntil: 'soon' })), '400 REQUEST_INVALID')
})
