// Does a waiting lookup answer as soon as a message for its device is stored, and only then?
import { t } from '../support/tap.ts'
import { issueToken, lookup, send } from '../support/api.ts'
import type { Scope } from '../support/scope.ts'
import { eventually, within } from '../support/waiting.ts'
import { serve, type Served } from './support/serve.ts'

/** How often the private logs were read: a poll that waits has read once. */
async function counting(t: Scope, limits = {}) {
  const reads: string[] = []
  const api = await serve(t, {
    limits: { longPollRecheckMs: 3_600_000, ...limits },
    around: (store) => ({
      readPrivate(tokenId, after, limit) {
        reads.push(tokenId)
        return store.readPrivate(tokenId, after, limit)
      },
    }),
  })
  return { api, reads }
}

const issue = (api: Served, device: string, version: string) => issueToken(api, { app: 'chat', device, version })

await t.test('private and broadcast', async (t) => {
  const { api, reads } = await counting(t)
  const [phone, tablet] = [await issue(api, 'phone', '2.0.0'), await issue(api, 'tablet', '1.0.0')]

  const forPhone = lookup(api, phone.token, { wait: 60 })
  const forTablet = lookup(api, tablet.token, { wait: 60 })
  await eventually('both wait', () => reads.length === 2)

  await send(api, { token: phone.token }, 'private')
  t.match(await within('the private message', forPhone), { messages: [{ payload: 'private' }], more: false })

  await send(api, { app: 'chat', version: '2.0.0' }, 'for the other version')
  await send(api, { app: 'chat', versions: '<2' }, 'broadcast')
  t.match(await within('the broadcast', forTablet), { messages: [{ payload: 'broadcast' }], more: false })
  t.equal(reads.filter((id) => id === tablet.tokenId).length, 2, 'what is for others wakes nobody')
})

await t.test('what is there already is answered at once', async (t) => {
  const { api } = await counting(t)
  const { token } = await issue(api, 'phone', '2.0.0')
  await send(api, { token }, 'there')
  t.match(await lookup(api, token, { wait: 60 }), { messages: [{ payload: 'there' }] })
})

await t.test('nothing arrives', async (t) => {
  const { api } = await counting(t)
  const { token } = await issue(api, 'phone', '2.0.0')
  t.match(await lookup(api, token, { wait: 1 }), { messages: [], more: false })
})
