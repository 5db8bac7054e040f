// Are MQTT and HTTP at the same addresses, when PUSH_HOST is a name that stands for several?
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import { startServer } from '../support/index.ts'

async function reaches(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

await t.test('localhost', async (t) => {
  const server = await startServer(t, {
    settings: { PUSH_HOST: 'localhost', PUSH_MQTT_PORT: '0', PUSH_HTTP_PORT: '0' },
  })
  const addresses = (await lookup('localhost', { all: true })).map(({ address }) => address)
  let reached = 0
  for (const address of addresses) {
    const [mqtt, http] = [await reaches(address, server.mqttPort), await reaches(address, server.httpPort)]
    t.equal(mqtt, http, `both or neither at ${address}`)
    if (mqtt) reached++
  }
  t.ok(reached > 0)
  t.equal(await server.stop(), 0)
})
