// Does a device keep only so many retained messages upstream, and do they end with the revocation of its token?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, issueToken, revoke, startServer } from '../support/index.ts'

/** More than any device has need of. */
const MANY = 300

await t.test('retained messages of one device', async (t) => {
  const server = await startServer(t, { settings: { PUSH_MAX_DEVICE_PUBLISHES: '0' } })
  const issued = await issueToken(server, { app: 'chat', device: 'phone' })
  const device = await connectDevice(t, server, issued)
  let refused = 0
  for (let number = 0; number < MANY; number++) {
    const kept = device.publish(`chat/u/${issued.tokenId}/${number}`, 'kept', { qos: 1, retain: true })
    await kept.catch(() => refused++)
  }
  t.ok(refused > 0, 'beyond a limit they are refused')

  await revoke(server, issued.tokenId)
  await device.closed
  const other = await connectDevice(t, server, await issueToken(server, { app: 'chat', device: 'tablet' }))
  const after = await connectProvider(t, server)
  await after.subscribe('chat/u/#')
  // What is retained is read meanwhile, and comes among them.
  for (let number = 0; number < MANY; number++) {
    await other.publish(`chat/u/${other.tokenId}/end`, `end ${number}`, { qos: 1 })
    while ((await after.next()).text !== `end ${number}`);
  }
  t.equal(after.received.length, MANY, 'nothing is left of a device that was revoked')
})
