/**
 * What a request costs before anything is done with it: `node fastify.js <port>`. A route that checks the body of
 * `POST /v1/messages` and its key, and answers as if the message were stored. With `<place> <MQTT port>` it is, before the
 * answer, as plainly as bare.ts stores it: in a file (`synced`), in classic-level (`level`), or in the Redis of a URL; and it goes
 * to the devices that are connected to that port.
 */
import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { plainTopic } from '../contenders/contender.ts'
import { BareBroker, EMPTY } from './bare-broker.ts'
import { openWrite } from './writes.ts'

const text = { type: 'string' } as const
const destination = { type: 'object', properties: { token: text, tokens: { type: 'array', items: text } } } as const
const body = {
  type: 'object',
  required: ['to', 'payloadBase64'],
  properties: { to: destination, payloadBase64: text },
} as const
const answer = {
  type: 'object',
  properties: { id: text, accepted: { type: 'integer' }, rejected: { type: 'array', items: text } },
} as const

interface Publish {
  readonly to: { readonly token?: string; readonly tokens?: readonly string[] }
  readonly payloadBase64: string
}

const [port, place, mqttPort] = process.argv.slice(2)
const broker = place === undefined ? undefined : new BareBroker(await openWrite(place))
await broker?.listen(Number(mqttPort))

/** Stored once, for all of its tokens. The answer waits with the packets for the devices, as a PUBACK does. */
function publish(to: BareBroker, { to: { token = '', tokens = [token] }, payloadBase64 }: Publish): Promise<void> {
  const payload = Buffer.from(payloadBase64, 'base64')
  to.keep(payload)
  for (const each of tokens) to.publish(plainTopic(each), payload)
  return new Promise((stored) => {
    to.write({ socket: { write: () => stored() }, rest: EMPTY, out: [], packetId: 0 }, EMPTY)
  })
}

const app = Fastify({ logger: false })
app.post<{ Body: Publish }>('/v1/messages', { schema: { body, response: { 202: answer } } }, (request, reply) => {
  if (request.headers.authorization === undefined) return reply.code(401).send()
  const answered = { id: randomUUID(), accepted: request.body.to.tokens?.length ?? 1, rejected: [] }
  reply.code(202)
  return broker === undefined ? reply.send(answered) : publish(broker, request.body).then(() => answered)
})
await app.listen({ port: Number(port), host: '127.0.0.1' })
process.stdout.write('ready\n')
process.once('SIGTERM', () => process.exit(0))
