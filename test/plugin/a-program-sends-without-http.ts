// Do push.send, issueToken and revokeToken do what HTTP does, with its answers, errors and metrics?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { createPush, PushError, type SendRequest, type TokenRequest } from '../../index.ts'
import { connectDevice, request, startRedis, temporaryFolder } from '../support/index.ts'
import { embed, PROVIDER_KEY } from './support/embed.ts'

const providers = [
  { name: 'backend', key: PROVIDER_KEY },
  { name: 'mail', key: 'key-of-the-mail-provider-1', apps: ['mail'] },
  { name: 'mail', key: 'key-of-the-mail-provider-2', apps: ['post'] },
]
const UNKNOWN = 'AAAAAAAAAAAAAAAAAAAAAA'

async function refusal(call: Promise<unknown>): Promise<PushError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof PushError) return error
  throw new Error('no PushError', { cause: error })
}

await t.test('what is sent arrives', async (t) => {
  const server = await embed(t, { providers })
  const { push } = server
  const issued = await push.issueToken({ app: 'chat', device: 'phone', account: undefined, version: '2.1.0' })
  t.match(issued, { tokenId: /^[\w-]{22}$/, expiresAt: /Z$/, topics: { broadcast: 'chat/2.1.0' } })
  t.equal(issued.topics.private, `chat/t/${issued.tokenId}`)
  const device = await connectDevice(t, server, issued.token)
  for (const topic of [issued.topics.private, 'chat/2.1.0']) await device.subscribe(topic)

  const bytes = Buffer.from([0, 255, 128])
  const sent: [unknown, Buffer | string][] = [
    ['text', 'text'],
    [{ a: [1, null] }, '{"a":[1,null]}'],
    [null, 'null'],
    [bytes, bytes],
    [new Uint8Array(bytes), bytes],
    ['', ''],
  ]
  for (const [payload, arrives] of sent) {
    t.match(await push.send({ to: { token: issued.token }, payload }), { id: /./, accepted: 1, rejected: [] })
    t.same((await device.next()).payload, Buffer.from(arrives))
  }
  const base64 = { to: { token: issued.tokenId }, payloadBase64: bytes.toString('base64') } as const
  await push.send(base64)
  t.same((await device.next()).payload, bytes)
  t.match(await push.send({ to: { app: 'chat', versions: '>=2' }, payload: 'all', ttl: 60, id: 'one' }), { id: 'one' })
  t.equal((await device.next()).text, 'all')
  t.match(await push.send({ to: { tokens: [issued.tokenId, UNKNOWN] }, payload: 'some', id: 'two' }), {
    id: 'two',
    accepted: 1,
    rejected: [{ token: UNKNOWN, code: 'TOKEN_UNKNOWN' }],
  })

  t.equal(await push.revokeToken(issued.tokenId), undefined)
  await device.closed
  const gone = await push.send({ to: { token: issued.tokenId }, payload: 'x' })
  t.match(gone, { accepted: 0, rejected: [{ token: issued.tokenId, code: 'TOKEN_REVOKED' }] })
})

await t.test('what was sent is followed and taken back', async (t) => {
  const { push } = await embed(t, { providers })
  const { tokenId } = await push.issueToken({ app: 'chat', device: 'phone' })
  const to = { token: tokenId }
  const first = { to, payload: 1, id: 'one', collapseKey: 'score' }
  t.match(await push.send(first), { accepted: 1 })
  t.match(await push.send(first), { duplicate: true })
  await t.rejects(push.send({ ...first, payload: 2 }), { code: 'ID_REUSED' })
  t.match(await push.send({ ...first, payload: 2, id: 'two', dryRun: true }), { dryRun: true, accepted: 1 })
  await push.send({ ...first, payload: 2, id: 'two', receipt: true })
  t.match(await push.messageStatus('one', to), { states: [{ state: 'replaced' }] })
  t.match(await push.recallMessage('two', to), {
    id: 'two',
    states: [{ token: tokenId, state: 'recalled', mayHaveBeenSeen: false }],
    rejected: [],
  })
  t.match(await push.messageStatus('two', { tokens: [tokenId] }), { states: [{ state: 'recalled' }] })
  await push.send({ to: { app: 'chat', versions: '*' }, payload: 3, id: 'all' })
  t.match(await push.messageStatus('all', { app: 'chat' }), { states: [{ app: 'chat', state: 'pending', sent: 0 }] })
  t.match(await push.recallMessage('all', { app: 'chat' }), { states: [{ state: 'recalled' }] })
  await t.rejects(push.messageStatus('none', to), { code: 'MESSAGE_UNKNOWN' })
  await t.rejects(push.recallMessage('all', { app: 'chat' }, { provider: 'mail' }), { code: 'APP_FORBIDDEN' })
})

await t.test('the errors are those of HTTP', async (t) => {
  const server = await embed(t, { providers })
  const { push } = server
  const { tokenId } = await push.issueToken({ app: 'chat', device: 'phone' })
  const to = { token: tokenId }
  const messages: unknown[] = [
    { to, payload: 'x', ttl: -1 },
    { to, payload: 'x', ttl: 1.5 },
    { to, payload: 'x', ttl: '5' },
    { to, payload: 'x', id: '' },
    { to, payload: 'x', id: 7 },
    { to, payload: 'x', priority: 1 },
    { to, payload: 'x', retain: 'true' },
    { to, payload: 'x', payloadBase64: 'eA==' },
    { to },
    { payload: 'x' },
    { to: {}, payload: 'x' },
    { to: { ...to, version: '1' }, payload: 'x' },
    { to: { tokens: [] }, payload: 'x' },
    { to: { tokens: Array.from({ length: 1_001 }, () => tokenId) }, payload: 'x' },
    { to: { app: 'ch/at', version: '1' }, payload: 'x' },
    { to: { app: 'chat', versions: 'one or two' }, payload: 'x' },
    { to, payload: 'x'.repeat(300 * 1024) },
    { to, payloadBase64: 'no base64' },
  ]
  for (const body of messages) {
    const { status, body: problem } = await request(server, 'POST', '/v1/messages', { body })
    const { code, detail, status: same } = await refusal(push.send(body as SendRequest))
    const told = { status, code: problem?.['code'], detail: problem?.['detail'] }
    t.same({ status: same, code, detail }, told, JSON.stringify(body).slice(0, 80))
  }
  const requests: unknown[] = [
    {},
    { device: 'x' },
    { app: 'a/b', device: 'x' },
    { app: 'chat', device: '$x' },
    { app: 'chat', device: 'x', version: '' },
    { app: 'chat', device: 'x', ttl: 0 },
    { app: 'chat', device: 'x', devise: 'x' },
  ]
  for (const body of requests) {
    const { status, body: problem } = await request(server, 'POST', '/v1/tokens', { body })
    const { code, detail, status: same } = await refusal(push.issueToken(body as TokenRequest))
    const told = { status, code: problem?.['code'], detail: problem?.['detail'] }
    t.same({ status: same, code, detail }, told, JSON.stringify(body))
  }
  for (const id of [UNKNOWN, 'x', '']) t.equal((await refusal(push.revokeToken(id))).code, 'TOKEN_UNKNOWN')
})

await t.test('what only a program can give', async (t) => {
  const { push } = await embed(t, { providers })
  const to = { app: 'chat', versions: '*' } as const
  const circular: { self?: unknown } = {}
  circular.self = circular
  const payloads = [() => undefined, 7n, circular, Number.NaN, new Float32Array(1), new ArrayBuffer(1), Symbol('x')]
  for (const payload of payloads) t.equal((await refusal(push.send({ to, payload }))).code, 'PAYLOAD_INVALID')
  for (const wrong of [undefined, null, 'x', [], 7])
    t.equal((await refusal(push.send(wrong as never))).code, 'REQUEST_INVALID')
  t.equal((await refusal(push.revokeToken(7 as never))).code, 'REQUEST_INVALID')
  for (const options of [{ providr: 'mail' }, { provider: 'nobody' }, { provider: 7 }, null, 'mail'])
    t.equal((await refusal(push.send({ to, payload: 'x' }, options as never))).code, 'REQUEST_INVALID')
  const payload = Buffer.from('as it was')
  const { token } = await push.issueToken({ app: 'chat', device: 'phone', version: '1' })
  const sending = push.send({ to, payload })
  payload.fill(0)
  await sending
  const { messages } = (await push.http.inject({ url: '/v1/messages', headers: bearer(token) })).json()
  t.equal(Buffer.from(messages[0].payloadBase64 ?? '', 'base64').toString() || messages[0].payload, 'as it was')
})

function bearer(token: string) {
  return { authorization: `Bearer ${token}` }
}

await t.test('for one provider', async (t) => {
  const { push } = await embed(t, { providers })
  const mail = { provider: 'mail' }
  for (const app of ['mail', 'post']) {
    const { tokenId } = await push.issueToken({ app, device: 'phone' }, mail)
    t.match(await push.send({ to: { token: tokenId }, payload: 'x' }, mail), { accepted: 1 }, 'with each of its keys')
    await push.revokeToken(tokenId, mail)
  }
  const chat = await push.issueToken({ app: 'chat', device: 'phone' }, { provider: 'backend' })
  const calls = [
    push.issueToken({ app: 'chat', device: 'phone' }, mail),
    push.send({ to: { app: 'chat', versions: '*' }, payload: 'x' }, mail),
    push.revokeToken(chat.tokenId, mail),
  ]
  for (const call of calls) t.equal((await refusal(call)).code, 'APP_FORBIDDEN')
  t.same((await push.send({ to: { token: chat.tokenId }, payload: 'x' }, mail)).rejected, [
    { token: chat.tokenId, code: 'APP_FORBIDDEN' },
  ])
})

await t.test('metrics count it', async (t: Test) => {
  const { push } = await embed(t, { providers })
  const { tokenId } = await push.issueToken({ app: 'chat', device: 'phone' })
  await push.send({ to: { token: tokenId }, payload: 'x', id: 'one' })
  await push.send({ to: { token: tokenId }, payload: 'x', id: 'one' })
  await push.send({ to: { token: UNKNOWN }, payload: 'x' })
  const text = await push.metrics.registry.metrics()
  t.match(text, /^push_accepted_total\{destination="private"\} 1$/m)
  t.match(text, /^push_duplicates_total\{destination="private"\} 1$/m)
  t.match(text, /^push_rejected_total\{code="TOKEN_UNKNOWN"\} 1$/m)
})

await t.test('while the store is away', async (t) => {
  const redis = await startRedis(t)
  const push = await createPush({ redisUrl: redis.url, providers })
  t.teardown(() => push.close())
  const { tokenId } = await push.issueToken({ app: 'chat', device: 'phone' })
  await redis.kill()
  const named = await refusal(push.send({ to: { token: tokenId }, payload: 'x', id: 'order-1' }))
  t.match(named, { code: 'STORE_UNAVAILABLE', messageId: 'order-1' }, 'it can be sent again under its id')
  const unnamed = await refusal(push.send({ to: { token: tokenId }, payload: 'x' }))
  t.match(unnamed, { code: 'STORE_UNAVAILABLE', messageId: /./, detail: /gave no `id`/ })
  t.equal((await refusal(push.issueToken({ app: 'chat', device: 'phone' }))).code, 'STORE_UNAVAILABLE')
})

await t.test('closing waits for calls under way, and refuses others', async (t) => {
  const dataDir = temporaryFolder(t)
  const push = await createPush({ dataDir, providers })
  const { token, tokenId } = await push.issueToken({ app: 'chat', device: 'phone' })
  const sending = Array.from({ length: 50 }, (_, n) => push.send({ to: { token: tokenId }, payload: n }))
  const closing = push.close()
  const late = [push.send({ to: { token: tokenId }, payload: 'x' }), push.revokeToken(tokenId)]
  for (const call of late) t.equal((await refusal(call)).code, 'SHUTTING_DOWN')
  for (const { accepted } of await Promise.all(sending)) t.equal(accepted, 1)
  await closing
  t.equal((await refusal(push.issueToken({ app: 'chat', device: 'phone' }))).code, 'SHUTTING_DOWN')

  const again = await createPush({ dataDir, providers })
  t.teardown(() => again.close())
  const { messages } = (await again.http.inject({ url: '/v1/messages?limit=100', headers: bearer(token) })).json()
  t.equal(messages.length, 50)
})
