/**
 * Push inside a program that has its own users, its own Aedes and its own HTTP server.
 *
 *   PROVIDER_KEY=change-me-0123456789 node examples/embed.mjs
 *
 * On one port: devices with a message token, providers with the provider key, sensors as users of push, and everybody
 * else as a client of your Aedes, which judges them by its own hooks. Sensors and clients meet on its topics.
 */
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { createPush } from 'aedes-push'

const { PROVIDER_KEY, DATA_DIR = './data', MQTT_PORT = '1883', HTTP_PORT = '8080' } = process.env
if (PROVIDER_KEY === undefined) throw new Error('set PROVIDER_KEY to at least 16 characters')

// 1. Who a user is, and what is allowed: here one, who publishes below sensors/.
const sensor = {
  kind: 'user',
  name: 'sensor',
  mayPublish: (topic) => topic.startsWith('sensors/'),
  maySubscribe: (filter, qos) => (filter.startsWith('sensors/') ? qos : undefined),
}
const users = {
  async authenticate({ username, password }) {
    return username === 'sensor' && String(password) === 'sensor-password' ? sensor : undefined
  },
}

// 2. Open the store and the keys.
const push = await createPush({
  dataDir: DATA_DIR,
  providers: [{ name: 'backend', key: PROVIDER_KEY }],
  users,
})

// 3. Your broker, as it is without push.
const broker = await Aedes.createBroker({
  authenticate(_client, username, password, done) {
    done(null, username === 'dashboard' && String(password) === 'dashboard-password')
  },
})
push.attach(broker)

// 4. Your listeners. `push.handle` takes every connection, and gives your broker those that are none of ours.
const mqtt = createServer((socket) => push.handle(socket))
const http = createHttpServer((request, response) => {
  if (request.url === '/hello') response.end('hello\n')
  else push.http.routing(request, response)
})
await push.http.ready()
push.webSocket(http, '/mqtt')

await new Promise((resolve) => mqtt.listen(Number(MQTT_PORT), '127.0.0.1', resolve))
await new Promise((resolve) => http.listen(Number(HTTP_PORT), '127.0.0.1', resolve))
console.log(`ready mqtt=${mqtt.address().port} http=${http.address().port}`)

// 5. The end: nothing new comes in, everything accepted is kept, and the process ends by itself.
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
  await new Promise((resolve) => broker.close(resolve))
}
