// Does examples/embed.mjs do what it says, as it stands, with the package imported by its name?
import t from 'tap'
import { connect, connectDevice, issueToken, request, send } from '../support/index.ts'
import { startExample } from './support/package.ts'

const { program, ...target } = await startExample(t, 'embed.mjs')

await t.test('a device over TCP and WebSocket', async (t) => {
  const issued = await issueToken(target, { app: 'chat', device: 'phone-1' })
  for (const transport of ['tcp', 'ws'] as const) {
    const device = await connectDevice(t, target, issued, { transport, subscribe: true })
    await send(target, { token: issued.tokenId }, `over ${transport}`)
    t.equal((await device.next()).text, `over ${transport}`)
    await device.end()
  }
})

await t.test('a user of its own, with its own rules', async (t) => {
  const sensor = await connect(t, target, { username: 'sensor', password: 'sensor-password' })
  await sensor.subscribe('sensors/#')
  await sensor.publish('sensors/kitchen', '21.5')
  t.equal((await sensor.next()).text, '21.5')
  await t.rejects(sensor.publish('elsewhere', 'x'))
  await t.rejects(connect(t, target, { username: 'sensor', password: 'wrong' }))
  t.equal((await request(target, 'GET', '/hello')).text, 'hello\n')
})

await t.test('SIGTERM', async (t) => {
  const issued = await issueToken(target, { app: 'chat', device: 'phone-1' })
  const device = await connectDevice(t, target, issued)
  t.same(await program.kill('SIGTERM'), { code: 0, signal: null }, 'it ends by itself')
  await device.closed
  t.equal(device.disconnectPacket?.reasonCode, 0x8b)
  t.same(program.stderr, [], 'and has complained of nothing')
})
