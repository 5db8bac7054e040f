/**
 * What a request costs before anything is done with it: `node fastify.js <port> [synced | level]`. A route that checks the body
 * of `POST /v1/messages` and its key, and answers as if the message were stored. With an argument it is: in a file (`synced`)
 * or in classic-level (`level`), synced before the answer; what comes while the disk works goes with the next write.
 */
import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify from 'fastify'
import { openWrite, type Write } from './writes.ts'

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
  readonly to: { readonly tokens?: readonly string[] }
  readonly payloadBase64: string
}

const write = await openWrite(process.argv[3])
let unwritten: { readonly message: Buffer; readonly stored: () => void }[] = []
let isWriting = false

async function writeAll(write: Write): Promise<void> {
  isWriting = true
  while (unwritten.length > 0) {
    // What else this turn of the event loop brings.
    await turn()
    const batch = unwritten
    unwritten = []
    await write(batch.map(({ message }) => message))
    for (const { stored } of batch) stored()
  }
  isWriting = false
}

function store(message: Buffer, write: Write): Promise<void> {
  return new Promise((stored) => {
    unwritten.push({ message, stored })
    if (!isWriting) void writeAll(write)
  })
}

const app = Fastify({ logger: false })
app.post<{ Body: Publish }>('/v1/messages', { schema: { body, response: { 202: answer } } }, (request, reply) => {
  if (request.headers.authorization === undefined) return reply.code(401).send()
  const { to, payloadBase64 } = request.body
  const answered = { id: randomUUID(), accepted: to.tokens?.length ?? 1, rejected: [] }
  reply.code(202)
  return write === undefined
    ? reply.send(answered)
    : store(Buffer.from(payloadBase64, 'base64'), write).then(() => answered)
})
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
process.stdout.write('ready\n')
process.once('SIGTERM', () => process.exit(0))
