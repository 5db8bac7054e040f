/** A stream as bytes, read as section 9.2.6 of the HTML standard says. */
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import type { Agent } from 'node:http'
import type { ApiTarget } from '../../../support/api.ts'
import type { Scope } from '../../../support/scope.ts'
import { ArrivalQueue, within } from '../../../support/waiting.ts'

export interface StreamEvent {
  /** `message` where the stream names none. */
  readonly type: string
  /** The last one that came, with this event or before it. */
  readonly id: string
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into what it was sent
  readonly data: any
}

export interface OpenedStream {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly events: ArrivalQueue<StreamEvent>
  /** Comments, and `retry: 1234`. */
  readonly lines: ArrivalQueue<string>
  /** Of an event, or of none. */
  readonly lastEventId: string
  /** The whole text, when the server has ended it. */
  readonly ended: Promise<string>
  close(): void
}

export interface StreamRequest {
  readonly bearer?: string
  readonly headers?: Record<string, string>
  readonly agent?: Agent
  readonly path?: string
}

export async function openStream(t: Scope, target: ApiTarget, options: StreamRequest = {}): Promise<OpenedStream> {
  const { bearer, agent = false, path = '/v1/messages/stream' } = options
  const headers = { ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...options.headers }
  const events = new ArrivalQueue<StreamEvent>('an event')
  const lines = new ArrivalQueue<string>('a line that is no event')
  let lastEventId = ''
  let fields: Record<string, string> = {}
  const line = (text: string) => {
    if (text === '') {
      lastEventId = fields.id ?? lastEventId
      if (fields.data !== undefined)
        events.push({ type: fields.event ?? 'message', id: lastEventId, data: JSON.parse(fields.data) })
      fields = {}
      return
    }
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(text) ?? []
    if (name === '' || name === 'retry') lines.push(text)
    else fields[name] = value
  }
  const opening = new Promise<OpenedStream>((resolve, reject) => {
    const outgoing = httpRequest({ host: target.host ?? '127.0.0.1', port: target.httpPort, path, headers, agent })
    t.teardown(() => void outgoing.destroy())
    outgoing.on('error', reject)
    outgoing.once('response', (incoming) => {
      let text = ''
      let rest = ''
      const ended = new Promise<string>((end) => {
        incoming.once('close', () => {
          events.end(new Error('the stream has ended'))
          end(text)
        })
      })
      incoming.on('error', () => undefined)
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        const parts = (rest + chunk).split('\n')
        rest = parts.pop() ?? ''
        if (incoming.statusCode === 200) for (const part of parts) line(part)
      })
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.headers,
        events,
        lines,
        get lastEventId() {
          return lastEventId
        },
        ended,
        close: () => void outgoing.destroy(),
      })
    })
    outgoing.end()
  })
  return await within('the head of a stream', opening)
}

/** What the messages say, in order. */
export async function payloads(stream: OpenedStream, count: number): Promise<string[]> {
  return (await stream.events.nextN(count)).map(({ data }) => String(data.payload))
}
