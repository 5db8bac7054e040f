/** A receiver of webhooks, which checks what comes as its own back end would: with the library of Standard Webhooks. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { ArrivalQueue, type Scope } from '../../../support/index.ts'

export interface Event {
  readonly type: string
  readonly id: string
  readonly tokenId?: string
  readonly eventId: string
  readonly payload?: string
}

export interface Call {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly path: string
  readonly text: string
  readonly type: string
  readonly events: readonly Event[]
  readonly missed: number
  readonly cursor: string
}

/** What it answers: a status, or whatever it does with the response. */
export type Answer = number | ((response: ServerResponse, call: Call) => void)

export interface Receiver {
  readonly port: number
  readonly url: string
  readonly calls: ArrivalQueue<Call>
  /** Every call that came, whatever it was answered. */
  readonly received: readonly Call[]
  answer: Answer
  close(): Promise<void>
}

/** Settings of a server that may call it. */
export const MAY_CALL = { PUSH_WEBHOOK_NETWORKS: '127.0.0.0/8', PUSH_WEBHOOK_HTTP_HOSTS: '127.0.0.1' }

export async function startReceiver(t: Scope, port = 0): Promise<Receiver> {
  const calls = new ArrivalQueue<Call>('a call of a webhook')
  const server = createServer((request, response) => {
    take(request)
      .then((call) => {
        calls.push(call)
        const { answer } = receiver
        if (typeof answer === 'function') answer(response, call)
        else response.writeHead(answer).end('thanks')
      })
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const bound = (server.address() as AddressInfo).port
  const receiver: Receiver = {
    port: bound,
    url: `http://127.0.0.1:${bound}/hooks?for=shop`,
    calls,
    get received() {
      return calls.received
    },
    answer: 204,
    close: () => closeServer(server),
  }
  t.teardown(() => receiver.close())
  return receiver
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

async function take(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  const { type, data } = JSON.parse(text)
  const { events = [], missed = 0, cursor = '' } = data
  return { id: headers['webhook-id'] ?? '', headers, path: request.url ?? '', text, type, events, missed, cursor }
}

/** @throws where the signature is not by this secret, or the call is old */
export function verify(secret: string, { text, headers }: Call): unknown {
  return new Webhook(secret).verify(text, headers)
}
