// The wall clock is set an hour forward, then two hours back: are keep alive, CONNECT time-out and rates as before?
import { t } from '../support/tap.ts'
import { embed } from '../plugin/support/embed.ts'
import { connectRaw, issueToken, request } from '../support/index.ts'

const HOUR = 3_600_000
// The tokens are issued before the time to which the clock is set back.
let wall = -2 * HOUR
let elapsed = 0
const server = await embed(t, {
  now: () => Date.now() + wall,
  monotonic: () => performance.now() + elapsed,
  limits: { requestsPerMinute: 3, connectsPerToken: 2 },
})
const { token } = await issueToken(server, { app: 'chat', device: 'd' })
const { token: ofWitness } = await issueToken(server, { app: 'chat', device: 'witness' })
wall = 0

const connect = async (fields: object, keepalive: number) => {
  const raw = await connectRaw(t, server.mqttPort)
  const { returnCode } = await raw.connect({ ...fields, keepalive })
  t.equal(returnCode, 0)
  return raw
}
const provider = { username: 'provider', password: Buffer.from(server.providerKey) }

/** Its keep alive ends with the seconds that pass here, so that the others have been looked at as well. */
const pass = async (seconds: number) => {
  const witness = await connect({ ...provider, clientId: 'witness' }, 1)
  elapsed += seconds * 1000
  await witness.closed
}
const lookUp = () => request(server, 'GET', '/v1/messages', { bearer: ofWitness })

await t.test('forward', async (t) => {
  const device = await connect({ token }, 20)
  const backend = await connect({ ...provider, clientId: 'backend' }, 20)
  const silent = await connectRaw(t, server.mqttPort)
  t.equal((await lookUp()).status, 200, 'the third request of the minute')
  wall += HOUR
  await pass(3)
  await device.ping()
  await backend.ping()
  t.equal((await lookUp()).status, 429, 'the minute has not passed')
  await silent.connect({ token: ofWitness })
  await silent.ping()
  const again = await connect({ token }, 20)
  await device.closed
  t.equal((await (await connectRaw(t, server.mqttPort)).connect({ token })).returnCode, 3, 'nor for the CONNECTs')
  await Promise.all([again, backend, silent].map((raw) => raw.end()))
})

await t.test('back', async (t) => {
  elapsed += 60_000
  t.equal((await lookUp()).status, 200)
  const device = await connect({ token }, 20)
  const backend = await connect({ ...provider, clientId: 'backend' }, 20)
  const silent = await connectRaw(t, server.mqttPort)
  wall -= 2 * HOUR
  elapsed += 31_000
  await Promise.all([device.closed, backend.closed, silent.closed])
  elapsed += 60_000
  t.equal((await lookUp()).status, 200, 'a minute has passed')
})
