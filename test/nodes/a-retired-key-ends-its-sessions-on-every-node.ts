// When a signing key is retired on one node, do connections and long polls of its tokens end on all of them within a second?
import { t } from '../support/tap.ts'
import { connectDevice, eventually, issueToken, request, send, type Server } from '../support/index.ts'
import { connectAll, join, twoNodes } from './support/nodes.ts'

const NAMES = { app: 'chat', device: 'phone', account: 'ann', version: '1.0.0' }
const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid
const retire = (node: Server, kid: string) => request(node, 'POST', `/v1/signing-keys/${kid}/retire`)

await t.test('two nodes', async (t) => {
  const { a, b } = await twoNodes(t)
  const device = await join(t, a, b, NAMES)
  const here = await join(t, a, a, { ...NAMES, device: 'tablet' })
  const polling = await issueToken(a, { ...NAMES, device: 'watch' })
  const old = kidOf(device.issued.token)
  const poll = request(b, 'GET', '/v1/messages?wait=30', { bearer: polling.token })

  t.equal((await request(b, 'POST', '/v1/signing-keys/rotate', { body: { now: true } })).status, 201)
  const fresh = await eventually('a token by the new key', async () => {
    const issued = await issueToken(b, { ...NAMES, device: 'laptop' })
    return kidOf(issued.token) !== old && issued
  })
  await eventually('the other node signs with it as well', async () => {
    return kidOf((await issueToken(a, { ...NAMES, device: 'car' })).token) === kidOf(fresh.token)
  })
  const bystander = await connectAll(t, b, fresh)
  await send(a, { token: device.issued.tokenId }, 'still here')
  t.equal((await device.device.next()).text, 'still here', 'a rotation ends nothing')

  t.equal((await retire(a, old)).status, 200)
  for (const each of [here.device, device.device]) {
    await each.closed
    t.equal(each.disconnectPacket?.reasonCode, 0x87, 'the device is told')
  }
  t.match(await poll, { status: 403, body: { code: 'TOKEN_REVOKED' } })
  for (const node of [a, b]) {
    await t.rejects(connectDevice(t, node, device.issued), { code: 0x86 }, 'MQTT is refused')
    const answer = await request(node, 'GET', '/v1/messages', { bearer: device.issued.token })
    t.match(answer, { status: 401, body: { code: 'TOKEN_INVALID' } }, 'HTTP is refused, though it was verified before')
  }
  await send(a, { token: fresh.tokenId }, 'as before')
  t.equal((await bystander.next()).text, 'as before', 'tokens of other keys hold')
  const renewed = await connectAll(t, b, await issueToken(a, NAMES))
  await send(b, { token: device.issued.tokenId }, 'welcome')
  t.equal((await renewed.next()).text, 'welcome', 'what waits is kept for a new token of the same names')
})
