// An enrolment code: is it for the first device that uses it, only for a while, and for nobody else, however many try at once?
import { t } from '../support/tap.ts'
import { eventually, request } from '../support/index.ts'
import { ask, enrol, honoured, issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

await onEachEngine(t, async (t, { one, other }) => {
  const { code, id, expiresAt } = await enrol(one, { app: 'chat', account: 'ann' })
  t.match(code, /^enrol_[\w-]{22}$/)
  const left = Date.parse(expiresAt) - Date.now()
  t.ok(left > 595_000 && left <= 600_000, 'ten minutes, unless it says otherwise')
  const nodes = [one, other]
  const attempts = Array.from({ length: 50 }, async (_, number) => {
    const target = nodes[number % 2] ?? one
    return await ask(target, { app: 'chat', device: `phone ${number}` }, code)
  })
  const answers = await Promise.all(attempts)
  const issued = answers.filter(({ status }) => status === 201)
  t.equal(issued.length, 1, 'of 50 at once one gets a token')
  t.equal(answers.filter((answer) => told(answer) === '401 CODE_INVALID').length, 49)
  const [{ body: first } = { body: undefined }] = issued
  t.equal(first.account, 'ann')
  t.equal(await honoured(other, first.token), '200')
  const repeated = await issue(other, { app: 'chat', device: first.device }, code)
  t.equal(repeated.tokenId, first.tokenId, 'its device may repeat: answers get lost')
  t.equal(told(await ask(one, { app: 'chat' }, code)), '401 CODE_INVALID', 'but not without saying who it is')

  const nameless = await enrol(one, { app: 'chat', account: 'ann' })
  const unnamed = await Promise.all(Array.from({ length: 50 }, () => ask(other, { app: 'chat' }, nameless.code)))
  t.equal(unnamed.filter(({ status }) => status === 201).length, 1, 'without a name too')
  const made = unnamed.find(({ status }) => status === 201)?.body
  t.match(made.device, /^[\w-]{22}$/, 'which gets one that nobody can guess')

  const bound = await enrol(one, { app: 'chat', account: 'ann', device: 'hers' })
  t.equal(told(await ask(other, { app: 'chat', device: 'his' }, bound.code)), '401 CODE_INVALID')
  t.equal((await issue(other, { app: 'chat' }, bound.code)).device, 'hers')

  const other1 = await enrol(one, { app: 'chat', account: 'ann' })
  t.equal(told(await ask(other, { app: 'mail' }, other1.code)), '403 APP_FORBIDDEN')
  t.equal(told(await ask(other, { app: 'chat', account: 'bob' }, other1.code)), '403 ACCOUNT_FORBIDDEN')
  t.equal(told(await ask(other, { app: 'chat', tags: ['staff'] }, other1.code)), '400 REQUEST_INVALID')
  t.equal(told(await ask(other, { app: 'chat' }, `enrol_${'A'.repeat(22)}`)), '401 CODE_INVALID')
  t.equal(told(await ask(other, { app: 'chat' }, 'enrol_')), '401 CODE_INVALID')
  const listed = await request(other, 'GET', '/v1/enrolments?app=chat')
  t.equal(listed.status, 200)
  t.ok(listed.body.enrolments.some((each: { id: string }) => each.id === id))
  for (const secret of ['ann', 'hers', code.slice(6)]) t.notOk(listed.text.includes(secret), 'a list names nobody')
  t.equal((await request(one, 'DELETE', `/v1/enrolments/${other1.id}`)).status, 204)
  t.equal(told(await ask(other, { app: 'chat' }, other1.code)), '401 CODE_INVALID', 'one that is deleted')
  t.equal(told(await request(one, 'DELETE', `/v1/enrolments/${other1.id}`)), '404 CODE_UNKNOWN')

  const short = await enrol(one, { app: 'chat', account: 'ann', ttl: 1 })
  await eventually('the end of a code', async () => {
    const page = await request(other, 'GET', '/v1/enrolments')
    return !page.body.enrolments.some((each: { id: string }) => each.id === short.id)
  })
  t.equal(told(await ask(other, { app: 'chat' }, short.code)), '401 CODE_INVALID')
  t.equal(told(await request(one, 'POST', '/v1/enrolments', { body: { app: 'chat', ttl: 86_401 } })), '400 TTL_INVALID')

  const early = await enrol(one, { app: 'chat', account: 'zoe' })
  await request(other, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account: 'zoe' } })
  t.equal(told(await ask(other, { app: 'chat' }, early.code)), '401 CODE_INVALID', 'revoked with its account')
})
