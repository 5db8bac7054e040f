// When another account logs in by one node, does the session of the previous one end on another, and are they kept apart?
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, send } from '../support/index.ts'
import { connectAll, join, KEPT, twoNodes } from './support/nodes.ts'

await t.test('an account switch across nodes', async (t) => {
  const { a, b } = await twoNodes(t)
  const phone = { app: 'chat', device: 'phone', version: '1.0.0' }
  const ann = await join(t, a, b, { ...phone, account: 'ann' }, KEPT)
  await send(a, { token: ann.issued.tokenId }, 'hello ann')
  t.equal((await ann.device.next()).text, 'hello ann')

  const issued = await issueToken(a, { ...phone, account: 'bob' })
  await ann.device.closed
  t.not(issued.tokenId, ann.issued.tokenId)
  t.equal(ann.device.disconnectPacket?.reasonCode, 0x87, 'the previous account is told that it may not go on')
  await t.rejects(connectDevice(t, b, ann.issued), { code: 0x87 }, 'nor come back on the same node')
  await t.rejects(connectDevice(t, a, ann.issued), { code: 0x87 }, 'or on the other one')

  await send(b, { token: ann.issued.tokenId }, 'secret of ann')
  const bob = await connectAll(t, b, issued)
  await send(a, { token: issued.tokenId }, 'hello bob')
  t.equal((await bob.next()).text, 'hello bob', 'which is all that the next account gets')

  const again = await issueToken(b, { ...phone, account: 'ann' })
  await bob.closed
  t.equal(again.tokenId, ann.issued.tokenId)
  const back = await connectAll(t, a, again, KEPT)
  t.equal((await back.next()).text, 'secret of ann', 'what was sent meanwhile waited for the previous account')
  t.same(
    bob.received.map(({ text }) => text),
    ['hello bob'],
  )
})
