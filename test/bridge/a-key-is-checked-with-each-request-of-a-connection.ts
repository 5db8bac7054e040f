// Does a connection that stays open lose a key as soon as that is removed, and never go by a key that it showed before?
import { Agent } from 'node:http'
import { t } from '../support/tap.ts'
import { request } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('one connection, several keys', async (t) => {
  let now = Date.UTC(2030, 0, 1)
  const api = await serve(t, { now: () => now })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const make = async (app: string) =>
    (await request(api, 'POST', '/v1/keys', { body: { name: app, apps: [app], scopes: ['messages:send'] } })).body
  const chat = await make('chat')
  const mail = await make('mail')
  const body = { to: { app: 'chat', versions: '*' }, payload: 'x', dryRun: true }
  const tried = async (bearer: string | null) => {
    const { status, body: answer } = await request(api, 'POST', '/v1/messages', { agent, bearer, body })
    return status === 200 ? 'good' : answer.code
  }

  t.equal(chat.key.length, mail.key.length)
  for (let time = 0; time < 2; time += 1) {
    t.same([await tried(chat.key), await tried(chat.key)], ['good', 'good'])
    t.same([await tried(mail.key), await tried(mail.key)], ['APP_FORBIDDEN', 'APP_FORBIDDEN'], 'another key')
    t.equal(await tried(`${chat.key.slice(0, -1)}_`), 'CREDENTIALS_INVALID', 'none, and as long')
    t.equal(await tried(null), 'CREDENTIALS_MISSING', 'nothing shown is not what was shown before')
  }

  t.equal(await tried(chat.key), 'good')
  const path = `/v1/keys/${chat.id}`
  await request(api, 'PATCH', path, { body: { scopes: ['messages:read'] } })
  t.equal(await tried(chat.key), 'SCOPE_MISSING', 'what it may do is that of now')
  await request(api, 'PATCH', path, { body: { scopes: ['messages:send'] } })
  t.equal(await tried(chat.key), 'good')
  const rotated = await request(api, 'POST', `${path}/rotate`, { body: { overlap: 60 } })
  t.same([await tried(chat.key), await tried(rotated.body.key)], ['good', 'good'])
  t.equal(await tried(chat.key), 'good')
  now += 60_000
  t.equal(await tried(chat.key), 'CREDENTIALS_INVALID', 'its time is over')
  t.equal(await tried(rotated.body.key), 'good')
  await request(api, 'DELETE', path)
  t.equal(await tried(rotated.body.key), 'CREDENTIALS_INVALID', 'removed')
  t.equal(await tried(mail.key), 'APP_FORBIDDEN', 'the others stay what they are')
})
