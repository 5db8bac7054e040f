// Is a lookup that asks for a longer wait than there is answered after the longest, which proxies wait for too?
import { t } from '../support/tap.ts'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import { SETTINGS } from '../../server/settings.ts'
import { issueToken, lookup } from '../support/api.ts'
import { within } from '../support/waiting.ts'
import { serve } from './support/serve.ts'

/** `proxy_read_timeout` of nginx. */
const NGINX_WAITS = 60

await t.test('a wait of an hour', async (t) => {
  const api = await serve(t, { limits: { waitSeconds: 1, longPollRecheckMs: 3_600_000 } })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  t.match(await within('the answer', lookup(api, token, { wait: 3_600 })), { messages: [], more: false })
  t.ok(DEFAULT_LIMITS.waitSeconds <= NGINX_WAITS - 10)
  t.equal(SETTINGS.PUSH_MAX_WAIT.default, DEFAULT_LIMITS.waitSeconds)
})
