// With `keepaliveLimit`, or a hook that names any code: does a 3.1.1 client ever get a return code that is reserved?
import { t } from '../support/tap.ts'
import { connectRaw } from '../support/index.ts'
import { authenticateJoe, embed, JOE } from './support/embed.ts'

const server = await embed(t, {
  keepaliveLimit: 30,
  authenticate(client, username, password, done) {
    if (username === 'odd') done(Object.assign(new Error('odd'), { returnCode: 100 }), false)
    else authenticateJoe(client, username, password, done)
  },
})
const joe = { username: JOE.username, password: Buffer.from(JOE.password) }

t.test('a keep alive above the limit', async (t) => {
  for (const [level, keepalive, returnCode] of [
    [4, 30, 0],
    [4, 31, 2],
    [4, 0, 2],
    [3, 31, 2],
  ] as const) {
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: level })
    t.equal((await raw.connect({ ...joe, keepalive })).returnCode, returnCode, `level ${level}, ${keepalive} s`)
  }

  const five = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  t.match(await five.connect({ ...joe, keepalive: 31 }), { reasonCode: 0, properties: { serverKeepAlive: 30 } })
})

t.test('a code of a hook', async (t) => {
  const odd = await connectRaw(t, server.mqttPort)
  t.equal((await odd.connect({ username: 'odd', password: Buffer.from('x'), keepalive: 30 })).returnCode, 5)
})
