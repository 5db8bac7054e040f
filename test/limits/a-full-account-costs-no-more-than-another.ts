// Who is refused another device of a full account, again and again: is each device of it looked at each time?
import { t } from '../support/tap.ts'
import { revoke } from '../support/index.ts'
import { ask, issue, told } from '../tokens/support/calls.ts'
import { serve } from '../bridge/support/serve.ts'

const MOST = 20
const ATTEMPTS = 50

await t.test('a full account', async (t) => {
  let looks = 0
  let clock = 0
  const api = await serve(t, {
    monotonic: () => performance.now() + clock,
    limits: { accountDevices: MOST },
    around: (store) => ({
      lookupToken(tokenId) {
        looks += 1
        return store.lookupToken(tokenId)
      },
    }),
  })
  const another = async () => told(await ask(api, { app: 'chat', account: 'ann' }))
  const devices = await Promise.all(Array.from({ length: MOST }, () => issue(api, { app: 'chat', account: 'ann' })))
  looks = 0
  const answers = await Promise.all(Array.from({ length: ATTEMPTS }, another))
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) answers.push(await another())
  t.same(new Set(answers), new Set(['409 ACCOUNT_FULL']))
  t.equal(looks, MOST, 'each device is looked at once')
  await revoke(api, devices[0]?.tokenId ?? '')
  t.equal(await another(), '201', 'one that is logged out makes room at once')
  t.equal(await another(), '409 ACCOUNT_FULL')
  await api.store.revokeToken(devices[1]?.tokenId ?? '')
  t.equal(await another(), '409 ACCOUNT_FULL')
  clock = 5_000
  t.equal(await another(), '201', 'and within some seconds where another node was told')
})
