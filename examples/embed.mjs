/**
 * Push inside a program that has its own Aedes, its own users and its own HTTP server.
 *
 *   PROVIDER_KEY=change-me-0123456789 node examples/embed.mjs
 *
 * Devices connect with a message token, providers with the provider key, and everybody else is judged by the hooks
 * below, on the same port. Topics that are not push topics work as in Aedes alone.
 */
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { createPush } from 'aedes-push'

const { PROVIDER_KEY, DATA_DIR = './data', MQTT_PORT = '1883', HTTP_PORT = '8080' } = process.env
if (PROVIDER_KEY === undefined) throw new Error('set PROVIDER_KEY to at least 16 characters')

// 1. Open the store and the keys.
const push = await createPush({
  dataDir: DATA_DIR,
  providers: [{ name: 'backend', key: PROVIDER_KEY }],
})

// 2. Your broker, with your own options; push puts itself in front of them.
const broker = await Aedes.createBroker(
  push.aedesOptions({
    authenticate(_client, username, password, done) {
      done(null, username === 'sensor' && String(password) === 'sensor-password')
    },
    authorizePublish(_client, packet, done) {
      done(packet.topic.startsWith('sensors/') ? null : new Error('sensors publish below sensors/'))
    },
  }),
)

// 3. Your listeners. `broker.handle` takes every connection, of devices and of your users.
const mqtt = createServer((socket) => broker.handle(socket))
const http = createHttpServer((request, response) => {
  if (request.url === '/hello') response.end('hello\n')
  else push.http.routing(request, response)
})
await push.http.ready()
push.webSocket(http, '/mqtt')

await new Promise((resolve) => mqtt.listen(Number(MQTT_PORT), '127.0.0.1', resolve))
await new Promise((resolve) => http.listen(Number(HTTP_PORT), '127.0.0.1', resolve))
console.log(`ready mqtt=${mqtt.address().port} http=${http.address().port}`)

// 4. The end: nothing new comes in, everything accepted is kept, and the process ends by itself.
process.once('SIGTERM', () => {
  stop().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
})

async function stop() {
  mqtt.close()
  http.close()
  await push.close()
}
