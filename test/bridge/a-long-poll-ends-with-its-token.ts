// Is a waiting lookup refused when its token is revoked, superseded or over, without a message that was stored after?
import { t } from '../support/tap.ts'
import { issueToken, request, revoke, send } from '../support/api.ts'
import { eventually, within } from '../support/waiting.ts'
import { serve } from './support/serve.ts'

await t.test('revoked and switched', async (t) => {
  let reads = 0
  const api = await serve(t, {
    limits: { longPollRecheckMs: 3_600_000 },
    around: (store) => ({
      readPrivate(...request) {
        reads++
        return store.readPrivate(...request)
      },
    }),
  })
  const ann = await issueToken(api, { app: 'chat', device: 'phone', account: 'ann' })
  const tablet = await issueToken(api, { app: 'chat', device: 'tablet', account: 'ann' })
  const wait = (bearer: string) => request(api, 'GET', '/v1/messages?wait=60', { bearer })
  const [onPhone, onTablet] = [wait(ann.token), wait(tablet.token)]
  await eventually('both wait', () => reads === 2)

  await revoke(api, tablet.tokenId)
  t.match(await within('revoked', onTablet), { status: 403, body: { code: 'TOKEN_REVOKED' } })
  await issueToken(api, { app: 'chat', device: 'phone', account: 'bob' })
  t.match(await within('switched', onPhone), { status: 403, body: { code: 'TOKEN_SUPERSEDED' } })
})

await t.test('over', async (t) => {
  let ahead = 0
  const api = await serve(t, { limits: { longPollRecheckMs: 3_600_000 }, now: () => Date.now() + ahead })
  const { token, expiresAt } = await issueToken(api, { app: 'chat', device: 'phone', ttl: 3_600 })
  ahead = Date.parse(String(expiresAt)) - Date.now() - 500
  const waiting = await within('the end', request(api, 'GET', '/v1/messages?wait=60', { bearer: token }))
  t.match(waiting, { status: 401, body: { code: 'TOKEN_EXPIRED' } })
})

await t.test('over, or revoked, while the store reads what came', async (t) => {
  let ahead = 0
  let reads = 0
  let during = async () => {}
  const api = await serve(t, {
    limits: { longPollRecheckMs: 3_600_000 },
    now: () => Date.now() + ahead,
    around: (store) => ({
      async readPrivate(...request) {
        if (++reads % 2 === 0) await during()
        return store.readPrivate(...request)
      },
    }),
  })
  const lookUp = async (device: string) => {
    const issued = await issueToken(api, { app: 'chat', device, ttl: 3_600 })
    const waiting = request(api, 'GET', '/v1/messages?wait=60', { bearer: issued.token })
    const before = reads
    await eventually('it waits', () => reads > before)
    await send(api, { token: issued.tokenId }, 'wakes it')
    return await within('the answer', waiting)
  }
  during = async () => void (await api.store.revokeToken(api.auth.tokenIdOf({ app: 'chat', device: 'a', account: '' })))
  t.match(await lookUp('a'), { status: 403, body: { code: 'TOKEN_REVOKED' } })
  during = async () => void (ahead += 3_600_000)
  t.match(await lookUp('b'), { status: 401, body: { code: 'TOKEN_EXPIRED' } })
})
