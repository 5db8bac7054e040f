/**
 * Push inside a program with a plain `node:http` server.
 *
 *   PROVIDER_KEY=change-me-0123456789 node examples/http-server.mjs
 *
 * The HTTP API answers what is not your own path, and MQTT comes by TCP and as WebSocket at /mqtt.
 */
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { createPush } from 'aedes-push'

const { PROVIDER_KEY, DATA_DIR = './data', MQTT_PORT = '1883', HTTP_PORT = '8080' } = process.env
if (PROVIDER_KEY === undefined) throw new Error('set PROVIDER_KEY to at least 16 characters')

const push = await createPush({ dataDir: DATA_DIR, providers: [{ name: 'backend', key: PROVIDER_KEY }] })
await push.http.ready()

const http = createHttpServer((request, response) => {
  if (request.url === '/hello') response.end('hello\n')
  else push.http.routing(request, response)
})
push.webSocket(http, '/mqtt')
const mqtt = createServer((socket) => push.handle(socket))

await new Promise((resolve) => mqtt.listen(Number(MQTT_PORT), '127.0.0.1', resolve))
await new Promise((resolve) => http.listen(Number(HTTP_PORT), '127.0.0.1', resolve))
console.log(`ready mqtt=${mqtt.address().port} http=${http.address().port}`)

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
