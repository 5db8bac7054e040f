// Is a will dropped when its token was revoked or its account switched, also while it waits and by another node?
import { t } from '../support/tap.ts'
import { embed, type Embedded } from '../plugin/support/embed.ts'
import {
  connectDevice,
  connectProvider,
  eventually,
  issueToken,
  type Issued,
  request,
  revoke,
  type Scope,
  startRedis,
} from '../support/index.ts'

const SHOP = { app: 'shop', account: 'ann' }
const topicOf = ({ tokenId }: Issued) => `shop/u/${tokenId}/gone`

/** With a will that waits so many seconds. */
function online(t: Scope, server: Embedded, issued: Issued, willDelayInterval = 0) {
  return connectDevice(t, server, issued, {
    clean: false,
    properties: { sessionExpiryInterval: 3600 },
    will: {
      topic: topicOf(issued),
      payload: Buffer.from('gone'),
      qos: 1,
      retain: false,
      ...(willDelayInterval === 0 ? {} : { properties: { willDelayInterval } }),
    },
  })
}

async function hearing(t: Scope, server: Embedded) {
  const provider = await connectProvider(t, server)
  await provider.subscribe('shop/u/#')
  return provider
}

const ENDS: Record<string, (server: Embedded, issued: Issued, device: string) => Promise<unknown>> = {
  revoked: (server, issued) => revoke(server, issued.tokenId),
  'revoked and issued again': async (server, issued, device) => {
    await revoke(server, issued.tokenId)
    await issueToken(server, { ...SHOP, device })
  },
  'of another account': (server, _issued, device) => issueToken(server, { ...SHOP, device, account: 'bob' }),
  'revoked with its account': async (server) => await revokeAll(server, { ...SHOP }),
  'revoked with its app, and issued again': async (server, _issued, device) => {
    await revokeAll(server, { app: SHOP.app })
    await issueToken(server, { ...SHOP, device })
  },
  'signed with a key that was retired': async (server, issued) => {
    const call = (path: string, body: object) => request(server, 'POST', `/v1/signing-keys${path}`, { body })
    const kid = JSON.parse(Buffer.from(issued.token.split('.')[0] ?? '', 'base64url').toString()).kid
    await call('/rotate', { now: true })
    await eventually('the end of the key', async () => (await call(`/${kid}/retire`, {})).status === 200)
  },
  'of another account, and back': async (server, _issued, device) => {
    await issueToken(server, { ...SHOP, device, account: 'bob' })
    await issueToken(server, { ...SHOP, device })
  },
}

async function revokeAll(server: Embedded, body: object): Promise<void> {
  const { status } = await request(server, 'POST', '/v1/tokens/revoke', { body })
  if (status !== 204) throw new Error(`answered ${status}`)
}

for (const [where, nodes] of [
  ['one node', 1],
  ['another node', 2],
] as const) {
  await t.test(`ended at ${where}`, async (t) => {
    const shared = nodes === 1 ? {} : { redisUrl: (await startRedis(t)).url }
    const a = await embed(t, shared)
    const b = nodes === 1 ? a : await embed(t, { ...shared, limits: {} })
    const provider = await hearing(t, a)
    const refused = async () =>
      (await a.push.metrics.rejected.get()).values.reduce((sum, { value, labels }) => {
        return sum + (/^TOKEN_(REVOKED|SUPERSEDED)$/.test(String(labels['code'])) ? value : 0)
      }, 0)
    let ended = 0
    for (const [how, end] of Object.entries(ENDS)) {
      const connected = await issueToken(a, { ...SHOP, device: `connected, ${how}` })
      const device = await online(t, a, connected)
      await end(b, connected, `connected, ${how}`)
      await device.closed
      const away = await issueToken(a, { ...SHOP, device: `away, ${how}` })
      await (await online(t, a, away, 1)).reset()
      await end(b, away, `away, ${how}`)
      // What waits is gone with its token, or refused at its time, which is before that of the control.
      ended += 1
      await eventually(`no will of what is ${how}`, async () => (await refused()) >= ended)
    }
    const control = await issueToken(a, { ...SHOP, device: 'control' })
    await (await online(t, a, control, 1)).reset()
    t.equal((await provider.next()).topic, topicOf(control), 'the will of a good token comes')
    t.equal(provider.received.length, 1, 'and no other came')
  })
}

await t.test('a token that expired still says that its device is gone', async (t) => {
  const server = await embed(t)
  const provider = await hearing(t, server)
  const issued = await issueToken(server, { ...SHOP, device: 'phone', ttl: 4 })
  await online(t, server, issued)
  t.equal((await provider.next()).topic, topicOf(issued))
})
