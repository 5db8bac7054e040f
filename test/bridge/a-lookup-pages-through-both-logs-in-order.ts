// Does a device that looks up and acknowledges page by page see every message of both logs once, oldest first?
import { t } from '../support/tap.ts'
import { ack, issueToken, lookup, request, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('pages', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const api = await serve(t, { now: () => now, limits: { lookupScan: 50, lookupBytes: 1_000 } })
  const device = await issueToken(api, { app: 'chat', device: 'phone', version: '2.0.0' })
  const sent: string[] = []
  for (let index = 0; index < 25; index++) {
    now += 1_000
    const to = index % 3 === 0 ? { app: 'chat', version: '2.0.0' } : { token: device.token }
    sent.push((await send(api, to, `message ${index}`)).id)
    await send(api, { app: 'chat', version: '1.0.0' }, 'for others')
  }

  async function collect(limit: number): Promise<string[]> {
    const ids: string[] = []
    for (;;) {
      const page = await lookup(api, device.token, { limit })
      t.ok(page.messages.length <= limit)
      ids.push(...page.messages.map(({ id }) => id))
      await ack(api, device.token, page.cursor)
      if (!page.more) return ids
    }
  }
  const first = await lookup(api, device.token)
  t.equal(first.messages.length, 20, 'by default')
  t.ok(first.more)
  t.match(first.messages[0], {
    topic: 'chat/2.0.0',
    storedAt: '2030-01-01T00:00:01.000Z',
    expiresAt: '2030-01-08T00:00:01.000Z',
  })
  t.same(await collect(4), sent)
  t.same(await lookup(api, device.token).then(({ messages, more }) => ({ messages, more })), {
    messages: [],
    more: false,
  })

  // More entries for others than one lookup goes through: empty pages, until the one that holds something.
  for (let index = 0; index < 120; index++) await send(api, { app: 'chat', version: '1.0.0' }, 'for others')
  const last = await send(api, { app: 'chat', versions: '*' }, 'for all')
  const empty = await lookup(api, device.token)
  t.match(empty, { messages: [], more: true })
  t.same(await collect(100), [last.id])

  // Large messages come one by one, since an answer holds so many bytes and at least one message.
  const large = [
    await send(api, { token: device.token }, 'x'.repeat(5_000)),
    await send(api, { token: device.token }, 'y'),
  ]
  t.match(await lookup(api, device.token), { messages: [{ id: large[0]!.id }], more: true })
  t.same(
    await collect(100),
    large.map(({ id }) => id),
  )
})

await t.test('cursors', async (t) => {
  const api = await serve(t)
  const mine = await issueToken(api, { app: 'chat', device: 'mine' })
  const other = await issueToken(api, { app: 'chat', device: 'other' })
  await send(api, { tokens: [mine.token, other.token] }, 'x')
  const { cursor } = await lookup(api, other.token)
  const refused = [
    cursor,
    '',
    'x',
    `${cursor}A`,
    cursor.slice(0, -2),
    Buffer.alloc(25).toString('base64url'),
    'x'.repeat(9_999),
  ]
  for (const wrong of refused) {
    const answer = await request(api, 'POST', '/v1/messages/ack', { bearer: mine.token, body: { cursor: wrong } })
    t.match(answer, { status: 400, body: { code: 'CURSOR_INVALID' } }, wrong.slice(0, 40))
  }
  t.equal((await lookup(api, mine.token)).messages.length, 1)

  const page = await lookup(api, mine.token)
  await send(api, { token: mine.token }, 'later')
  await ack(api, mine.token, page.cursor)
  await ack(api, mine.token, page.cursor)
  t.match(await lookup(api, mine.token), { messages: [{ payload: 'later' }] }, 'what came after the page stays')
})

await t.test('expired messages are not looked up', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const api = await serve(t, { now: () => now })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  await send(api, { token }, 'short', { ttl: 10 })
  await send(api, { token }, 'long', { ttl: 100 })
  now += 10_000
  t.match(await lookup(api, token), { messages: [{ payload: 'long' }], more: false })
})
