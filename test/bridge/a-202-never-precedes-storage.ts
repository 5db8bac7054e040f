// With the store's write held back, does the answer wait; and do all writes of one request start in one turn?
import { t } from '../support/tap.ts'
import { request } from '../support/api.ts'
import { eventually } from '../support/waiting.ts'
import { issueToken } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('a store that holds back', async (t) => {
  const held: (() => void)[] = []
  const turns = new Set<number>()
  let turn = 0
  const api = await serve(t, {
    around: (store) => ({
      append(append) {
        turns.add(turn)
        setImmediate(() => turn++)
        return new Promise((resolve, reject) => held.push(() => void store.append(append).then(resolve, reject)))
      },
    }),
  })
  const devices = await Promise.all(
    Array.from({ length: 20 }, (_, index) => issueToken(api, { app: 'chat', device: `d${index}` })),
  )
  let answered = false
  const body = { to: { tokens: devices.map(({ token }) => token) }, payload: 'x' }
  const answer = request(api, 'POST', '/v1/messages', { body }).finally(() => {
    answered = true
  })
  await eventually('all appends', () => held.length === 20)
  t.equal(turns.size, 1, 'all in one turn')
  for (const release of held.slice(0, 19)) release()
  // Another request goes all the way meanwhile.
  t.equal((await request(api, 'GET', '/healthz')).status, 200)
  t.notOk(answered)
  held[19]!()
  t.match(await answer, { status: 202, body: { accepted: 20 } })
})
