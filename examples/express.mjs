/**
 * Push inside an Express program, which has parsed the body of every request before it comes here, and which issues
 * tokens and sends messages itself, without HTTP in between.
 *
 *   PROVIDER_KEY=change-me-0123456789 node examples/express.mjs
 *
 * The HTTP API is below /push, and MQTT is WebSocket at /mqtt.
 */
import { createServer } from 'node:net'
import { createPush, PushError } from 'aedes-push'
import express from 'express'

const { PROVIDER_KEY, DATA_DIR = './data', MQTT_PORT = '1883', HTTP_PORT = '8080' } = process.env
if (PROVIDER_KEY === undefined) throw new Error('set PROVIDER_KEY to at least 16 characters')

const push = await createPush({ dataDir: DATA_DIR, providers: [{ name: 'backend', key: PROVIDER_KEY }] })
await push.http.ready()

const app = express()
app.use(express.json())

// 1. The HTTP API, for back ends elsewhere and for devices without MQTT: POST /push/v1/messages, and so on.
app.use('/push', (request, response) => push.http.routing(request, response))

// 2. A user of yours has logged in on a device: check that first, then issue the token.
app.post('/login', async (request, response) => {
  const { user, device } = request.body
  const { token, topics } = await push.issueToken({ app: 'shop', device, account: user })
  response.json({ token, topic: topics.private })
})

// 3. Something has happened: tell the device. The id makes a repeat safe.
app.post('/orders/:order/ship', async (request, response) => {
  const { order } = request.params
  const payload = { order, text: 'Your order is on its way' }
  const message = { to: { token: request.body.token }, payload, ttl: 86_400, id: `${order}-shipped` }
  const { accepted } = await push.send(message, { provider: 'backend' })
  response.json({ told: accepted === 1 })
})

app.use((error, _request, response, next) => {
  if (!(error instanceof PushError)) return next(error)
  response.status(error.status).json({ code: error.code, detail: error.detail })
})

const http = app.listen(Number(HTTP_PORT), '127.0.0.1')
push.webSocket(http, '/mqtt')
const mqtt = createServer((socket) => push.handle(socket))
await new Promise((resolve) => http.once('listening', resolve))
await new Promise((resolve) => mqtt.listen(Number(MQTT_PORT), '127.0.0.1', resolve))
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
