// Is a waiting lookup refused at once when its token is revoked, or another account logs in?
import t from 'tap'
import { issueToken, request, revoke } from '../support/api.ts'
import { eventually, within } from '../support/waiting.ts'
import { serve } from './support/serve.ts'

await t.test('revoked and switched', async (t) => {
  let reads = 0
  const api = await serve(t, {
    limits: { recheckMs: 3_600_000 },
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
