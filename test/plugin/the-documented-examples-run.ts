// Does each example of embedding do what it says, as it stands, with the package imported by its name?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { connect, connectDevice, request } from '../support/index.ts'
import { startExample, type Example } from './support/package.ts'

type Try = (t: Test, example: Example) => Promise<void>

/** Devices over TCP and WebSocket, the API below `prefix`, and an end that comes by itself. */
async function serves(t: Test, example: Example, prefix: string): Promise<void> {
  const call = (method: string, path: string, options = {}) => request(example, method, `${prefix}${path}`, options)
  const issued = (await call('POST', '/v1/tokens', { body: { app: 'chat', device: 'phone-1' } })).body
  for (const transport of ['tcp', 'ws'] as const) {
    const device = await connectDevice(t, example, issued, { transport, subscribe: true })
    const body = { to: { token: issued.tokenId }, payload: `over ${transport}` }
    t.match(await call('POST', '/v1/messages', { body }), { status: 202, body: { accepted: 1 } })
    t.equal((await device.next()).text, `over ${transport}`)
    await device.end()
  }
  t.match(await call('POST', '/v1/messages', { body: { to: {}, payload: 1 } }), { body: { code: 'REQUEST_INVALID' } })
  t.match(await call('GET', '/openapi.json'), { status: 200, body: { openapi: /^3\.1/ } })
  t.equal((await call('DELETE', `/v1/tokens/${issued.tokenId}`)).status, 204)
}

async function ends(t: Test, { program, ...target }: Example, prefix = ''): Promise<void> {
  const path = `${prefix}/v1/tokens`
  const issued = (await request(target, 'POST', path, { body: { app: 'chat', device: 'phone-2' } })).body
  const device = await connectDevice(t, target, issued)
  t.same(await program.kill('SIGTERM'), { code: 0, signal: null }, 'it ends by itself')
  await device.closed
  t.equal(device.disconnectPacket?.reasonCode, 0x8b)
  t.same(program.stderr, [], 'and has complained of nothing')
}

const EXAMPLES: Readonly<Record<string, Try>> = {
  async 'embed.mjs'(t, example) {
    await serves(t, example, '')
    const sensor = await connect(t, example, { username: 'sensor', password: 'sensor-password' })
    await sensor.subscribe('sensors/#')
    await sensor.publish('sensors/kitchen', '21.5')
    t.equal((await sensor.next()).text, '21.5')
    await t.rejects(sensor.publish('elsewhere', 'x'))
    await t.rejects(connect(t, example, { username: 'sensor', password: 'wrong' }))
    const dashboard = await connect(t, example, { username: 'dashboard', password: 'dashboard-password' })
    await dashboard.subscribe('sensors/#')
    await sensor.publish('sensors/kitchen', '22')
    t.equal((await dashboard.next()).text, '22', 'a client of the broker hears a user')
    await sensor.next()
    await dashboard.publish('sensors/all', 'report')
    t.equal((await sensor.next()).text, 'report', 'and a user hears it')
    t.equal((await request(example, 'GET', '/hello')).text, 'hello\n')
    await ends(t, example)
  },
  async 'http-server.mjs'(t, example) {
    await serves(t, example, '')
    t.equal((await request(example, 'GET', '/hello')).text, 'hello\n')
    await ends(t, example)
  },
  async 'express.mjs'(t, example) {
    await serves(t, example, '/push')
    const login = await request(example, 'POST', '/login', { body: { user: 'ada', device: 'phone' } })
    const { token, topic } = login.body
    const device = await connectDevice(t, example, token)
    await device.subscribe(topic)
    const shipped = () => request(example, 'POST', '/orders/1042/ship', { body: { token } })
    for (let time = 1; time <= 2; time++) t.match(await shipped(), { status: 200, body: { told: true } })
    t.match((await device.next()).text, /"order":"1042"/)
    const wrong = await request(example, 'POST', '/login', { body: { user: 'a/b', device: 'phone' } })
    t.match(wrong, { status: 400, body: { code: 'NAME_INVALID', detail: '`account`' } })
    t.equal(device.received.length, 1, 'the same id arrives once')
    await ends(t, example, '/push')
  },
  async 'fastify.mjs'(t, example) {
    await serves(t, example, '/push')
    const wanted = { body: { app: 'news', device: 'phone', version: '1.0.0' } }
    const { token } = (await request(example, 'POST', '/push/v1/tokens', wanted)).body
    const device = await connectDevice(t, example, token)
    await device.subscribe('news/1.0.0')
    t.match(await request(example, 'POST', '/broadcast', { body: { text: 'hi' } }), { status: 200 })
    t.equal((await device.next()).text, '{"text":"hi"}')
    await ends(t, example, '/push')
  },
}

for (const [name, tried] of Object.entries(EXAMPLES))
  await t.test(name, async (t) => tried(t, await startExample(t, name)))
