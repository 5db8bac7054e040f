// Is what a packet costs in proportion to its bytes, whatever they are, for devices, providers and users?
import { once } from 'node:events'
import { connect } from 'node:net'
import { t } from '../support/tap.ts'
import { issueToken, within } from '../support/index.ts'
import { countWork } from './support/counted-work.ts'
import { connectOf, type Login, worstPackets } from './support/worst-packets.ts'

/** Of packets; larger ones cost more of the same. */
const BYTES = 16 * 1024
const DISCONNECT = Buffer.from([0xe0, 0])
/** Steps for each byte. Work that grows with the square would take thousands. */
const MOST = 150

// Before the server is loaded: code that was compiled before is not counted.
const work = await countWork((url) => url.startsWith('file:') && !/\/test\/|\/tap/.test(url))
t.teardown(() => work.stop())
const { embed, JOE, PROVIDER_KEY } = await import('../plugin/support/embed.ts')
const embedded = await embed(t, {
  limits: { work: 0, maximumPacketSize: BYTES, maximumConnectSize: BYTES, connectsPerToken: 0, devicePublishes: 0 },
})
const issued = await issueToken(embedded, { app: 'chat', device: 'phone', version: '1.0.0' })
const device = { username: 'device', password: issued.token, clientId: 'device' }
const upstream = `chat/u/${issued.tokenId}/x`

const roles: Record<string, { readonly login: Login; readonly topic: string }> = {
  'a device': { login: { ...device, kept: true }, topic: upstream },
  'a provider': {
    login: { username: 'provider', password: PROVIDER_KEY, clientId: 'provider' },
    topic: issued.topics.private,
  },
  'a user': { login: { ...JOE, clientId: 'user' }, topic: 'news/today' },
  'a user whose session is kept': { login: { ...JOE, clientId: 'kept', kept: true }, topic: 'news/today' },
}

async function open(connectPacket: Buffer) {
  const socket = connect(embedded.mqttPort, '127.0.0.1')
  t.teardown(() => void socket.destroy())
  socket.on('error', () => undefined)
  const closed = once(socket, 'close')
  socket.write(connectPacket)
  await within('CONNACK', once(socket, 'data'))
  return { socket, closed }
}

for (const [role, { login, topic }] of Object.entries(roles)) {
  await t.test(role, async (t) => {
    for (const [what, bytes] of Object.entries(worstPackets(BYTES, topic))) {
      const { socket, closed } = await open(connectOf(login))
      const answered = once(socket, 'data')
      const steps = await work.of(async () => {
        socket.write(bytes)
        await within(`an answer to ${what}`, Promise.race([answered, closed]))
      })
      socket.destroy()
      await closed
      t.ok(steps < bytes.length * MOST, `${what}: ${(steps / bytes.length).toFixed(1)} steps a byte`)
    }
    const steps = await work.of(async () => {
      const { socket, closed } = await open(connectOf(login, topic, BYTES))
      socket.destroy()
      await closed
      // It follows the end of the one before, and its will.
      const next = await open(connectOf(login))
      next.socket.end(DISCONNECT)
      await next.closed
    })
    t.ok(steps < BYTES * MOST, `CONNECT with a will: ${(steps / BYTES).toFixed(1)} steps a byte`)
  })
}
