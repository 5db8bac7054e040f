/**
 * Push inside a Fastify program.
 *
 *   PROVIDER_KEY=change-me-0123456789 node examples/fastify.mjs
 *
 * The HTTP API is below /push, and MQTT is WebSocket at /mqtt.
 */
import { createServer } from 'node:net'
import { createPush } from 'aedes-push'
import { fastify } from 'fastify'

const { PROVIDER_KEY, DATA_DIR = './data', MQTT_PORT = '1883', HTTP_PORT = '8080' } = process.env
if (PROVIDER_KEY === undefined) throw new Error('set PROVIDER_KEY to at least 16 characters')

const push = await createPush({ dataDir: DATA_DIR, providers: [{ name: 'backend', key: PROVIDER_KEY }] })
await push.http.ready()

const app = fastify()

// 1. The HTTP API below a prefix. It takes the request before your Fastify reads the body, and answers it.
app.all('/push/*', {
  async onRequest(request, reply) {
    reply.hijack()
    request.raw.url = request.raw.url.slice('/push'.length)
    push.http.routing(request.raw, reply.raw)
  },
  handler() {},
})

// 2. Your own routes send without HTTP in between.
app.post('/broadcast', async (request) => {
  const { text } = request.body
  return await push.send({ to: { app: 'news', versions: '*' }, payload: { text } })
})

// 3. MQTT: WebSocket on the same port, and TCP.
push.webSocket(app.server, '/mqtt')
const mqtt = createServer((socket) => push.handle(socket))

await app.listen({ host: '127.0.0.1', port: Number(HTTP_PORT) })
await new Promise((resolve) => mqtt.listen(Number(MQTT_PORT), '127.0.0.1', resolve))
console.log(`ready mqtt=${mqtt.address().port} http=${app.server.address().port}`)

// 4. The end: push first, since a long poll or a WebSocket holds up the close of your server.
process.once('SIGTERM', () => {
  stop().catch((error) => {
    console.error(error)
    process.exitCode = 1
  })
})

async function stop() {
  mqtt.close()
  await push.close()
  await app.close()
}
