// Behind a remote bridge, does a server of ours deliver once, select by range, and say why it refuses?
import type { AddressInfo } from 'node:net'
import { t } from '../support/tap.ts'
import { listenTcp } from '../../broker/index.ts'
import { createPush } from '../../index.ts'
import { type ApiTarget, issueToken, lookup, request, revoke, send } from '../support/api.ts'
import { temporaryFolder } from '../support/folders.ts'
import type { Scope } from '../support/scope.ts'
import { serveRemote } from './support/serve-remote.ts'

const KEY = 'the-key-of-the-bridge-at-the-server'

async function ownServer(t: Scope) {
  const push = await createPush({ dataDir: temporaryFolder(t, 'server'), providers: [{ name: 'bridge', key: KEY }] })
  const tcp = await listenTcp(push.handle, '127.0.0.1', 0)
  await push.http.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(async () => {
    await tcp.close()
    await push.close()
  })
  const { port } = push.http.server.address() as AddressInfo
  const api: ApiTarget = { httpPort: port, providerKey: KEY }
  return { api, mqttPort: tcp.port }
}

await t.test('MQTT 5', async (t) => {
  const { api, mqttPort } = await ownServer(t)
  const remote = await serveRemote(t, { brokerPort: mqttPort, username: 'provider', password: KEY })
  const phone = await issueToken(api, { app: 'chat', device: 'phone', version: '2.0.0' })
  const tablet = await issueToken(api, { app: 'chat', device: 'tablet', version: '1.0.0' })
  const gone = await issueToken(api, { app: 'chat', device: 'gone' })
  await revoke(api, gone.tokenId)
  const stranger = 'AAAAAAAAAAAAAAAAAAAAAA'

  const body = {
    to: { app: 'chat', tokens: [phone.tokenId, gone.tokenId, stranger] },
    payload: { text: 'Hi' },
    id: 'order-1',
  }
  for (let time = 0; time < 2; time++) {
    t.match(await request(remote, 'POST', '/v1/messages', { body }), {
      status: 202,
      body: {
        accepted: 1,
        rejected: [
          { token: gone.tokenId, code: 'TOKEN_REVOKED' },
          { token: stranger, code: 'TOKEN_UNKNOWN' },
        ],
      },
    })
  }
  const { id } = await send(remote, { app: 'chat', versions: '>=2' }, 'update')
  t.match(await lookup(api, phone.token), {
    messages: [
      { id: 'order-1', payload: '{"text":"Hi"}' },
      { id, topic: 'chat/2.0.0', payload: 'update' },
    ],
  })
  t.equal((await lookup(api, phone.token)).messages.length, 2)
  t.same((await lookup(api, tablet.token)).messages, [])
})

await t.test('MQTT 3.1.1', async (t) => {
  const { api, mqttPort } = await ownServer(t)
  const remote = await serveRemote(t, { brokerPort: mqttPort, username: 'provider', password: KEY, protocolVersion: 4 })
  const phone = await issueToken(api, { app: 'chat', device: 'phone', version: '2.0.0' })
  const post = (to: object) => request(remote, 'POST', '/v1/messages', { body: { to, payload: 'x' } })
  t.match(await post({ app: 'chat', token: phone.tokenId }), { status: 202, body: { accepted: 1 } })
  t.match(await post({ app: 'chat', version: '2.0.0' }), { status: 202, body: { accepted: 1 } })
  t.equal((await lookup(api, phone.token)).messages.length, 2)
  const refused = await post({ app: 'chat', token: 'AAAAAAAAAAAAAAAAAAAAAA' })
  t.match(refused, { status: 503, body: { code: 'UPSTREAM_UNAVAILABLE' } }, 'it can only close the connection')
})
