// With every wake lost, does a waiting lookup still find its message?
import { t } from '../support/tap.ts'
import { issueToken, lookup, send } from '../support/api.ts'
import { eventually } from '../support/waiting.ts'
import { serve } from './support/serve.ts'

await t.test('a store that tells nothing', async (t) => {
  let reads = 0
  const api = await serve(t, {
    limits: { longPollRecheckMs: 50 },
    around: (store) => ({
      watch: () => () => {},
      readPrivate(...request) {
        reads++
        return store.readPrivate(...request)
      },
    }),
  })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const waiting = lookup(api, token, { wait: 60 })
  await eventually('the first look', () => reads > 0)
  await send(api, { token }, 'found')
  t.match(await waiting, { messages: [{ payload: 'found' }] })
})
