// [MQTT-6.0.0-1] Is the connection closed by a text frame, with nothing executed of it or of what follows?
import { once } from 'node:events'
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { WebSocket } from 'ws'
import { connectBytes, connectProvider, connectRaw, eventually, issueToken, within } from '../support/index.ts'
import { embed } from './support/embed.ts'

await t.test('publishes before, in and after a text frame', async (t) => {
  const server = await embed(t)
  const issued = await issueToken(server, { app: 'chat', device: 'phone' })
  const provider = await connectProvider(t, server)
  await provider.subscribe('chat/u/#')
  const publish = (text: string) =>
    generate({
      cmd: 'publish',
      topic: `chat/u/${issued.tokenId}/x`,
      payload: text,
      qos: 0,
      dup: false,
      retain: false,
    })

  const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/mqtt`, 'mqtt')
  t.teardown(() => socket.terminate())
  await once(socket, 'open')
  socket.send(connectBytes({ token: issued.token }))
  await once(socket, 'message')
  const closed = once(socket, 'close')
  socket.send(publish('before'))
  socket.send(publish('in').toString('latin1'), { binary: false })
  socket.send(publish('after'))
  t.equal((await within('the close', closed))[0], 1003)
  await eventually('the end of the session', async () => {
    const { values } = await server.push.metrics.connections.get()
    return values.find(({ labels }) => labels.principal === 'device')?.value === 0
  })

  // What a second connection sends comes after all that the first one sent.
  const again = await connectRaw(t, server.mqttPort)
  await again.connect({ token: issued.token })
  again.sendBytes(publish('last'))
  t.equal((await provider.next()).text, 'before')
  t.equal((await provider.next()).text, 'last')
})
