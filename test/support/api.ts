/** The HTTP API as a provider's or a device's program would call it. */
import { type Agent, type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import type { TagSelector } from '../../topics/index.ts'

/** What a call needs to know of a server. */
export interface ApiTarget {
  readonly host?: string
  readonly httpPort: number
  readonly providerKey: string
}

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array
  /** Bearer token; default the provider key, `null` for none. */
  readonly bearer?: string | null
  readonly headers?: Record<string, string>
  /** Default: a connection of its own. */
  readonly agent?: Agent
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body when it is JSON. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into what it was answered
  readonly body: any
}

/** An answer that was not the one asked for. */
export class UnexpectedAnswer extends Error {
  readonly answer: Answer
  readonly code: string | undefined

  constructor(call: string, answer: Answer) {
    super(`${call} was answered ${answer.status} ${answer.text}`)
    this.answer = answer
    this.code = answer.body?.code
  }
}

/** Any request, with whatever answer. */
export function request(
  target: ApiTarget,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Answer> {
  const bearer = options.bearer === undefined ? target.providerKey : options.bearer
  const payload = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
  const headers: Record<string, string | number> = {
    ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
    ...(payload === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    ...options.headers,
  }
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: target.host ?? '127.0.0.1',
        port: target.httpPort,
        method,
        path,
        headers,
        agent: options.agent ?? false,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.once('error', reject)
        incoming.once('end', () => {
          const text = Buffer.concat(chunks).toString()
          const isJson = /json/.test(incoming.headers['content-type'] ?? '')
          const body = isJson && text !== '' ? JSON.parse(text) : undefined
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, body })
        })
      },
    )
    outgoing.once('error', reject)
    outgoing.end(payload)
  })
}

async function expect(target: ApiTarget, status: number, method: string, path: string, options: RequestOptions) {
  const answer = await request(target, method, path, options)
  if (answer.status !== status) throw new UnexpectedAnswer(`${method} ${path}`, answer)
  return answer.body
}

export interface TokenRequest {
  readonly app: string
  readonly device: string
  readonly account?: string
  readonly version?: string
  readonly ttl?: number
  readonly tags?: readonly string[]
}

export interface Issued {
  readonly token: string
  readonly tokenId: string
  readonly expiresAt: number | string
  readonly topics: { readonly private: string; readonly broadcast?: string }
}

export function issueToken(target: ApiTarget, wanted: TokenRequest): Promise<Issued> {
  return expect(target, 201, 'POST', '/v1/tokens', { body: wanted })
}

export async function revoke(target: ApiTarget, tokenId: string): Promise<void> {
  await expect(target, 204, 'DELETE', `/v1/tokens/${tokenId}`, {})
}

export type Destination =
  | { readonly token: string }
  | { readonly tokens: readonly string[] }
  | { readonly app: string; readonly account: string }
  | { readonly app: string; readonly version: string; readonly tags?: TagSelector }
  | { readonly app: string; readonly versions: string; readonly tags?: TagSelector }

export interface SendOptions {
  readonly ttl?: number
  readonly retain?: boolean
  readonly id?: string
  readonly agent?: Agent
  readonly signal?: AbortSignal
}

export interface Sent {
  readonly id: string
  readonly accepted: number
  readonly rejected: readonly { readonly token: string; readonly code: string }[]
}

/** Publishes and awaits the 202. Bytes go as base64, a string as text, anything else as JSON. */
export function send(target: ApiTarget, to: Destination, payload: unknown, options: SendOptions = {}): Promise<Sent> {
  const { agent, signal, ...rest } = options
  const content =
    payload instanceof Uint8Array ? { payloadBase64: Buffer.from(payload).toString('base64') } : { payload }
  return expect(target, 202, 'POST', '/v1/messages', {
    body: { to, ...content, ...rest },
    ...(agent === undefined ? {} : { agent }),
    ...(signal === undefined ? {} : { signal }),
  })
}

export interface LookedUp {
  readonly messages: readonly {
    readonly id: string
    readonly topic: string
    readonly payload?: string
    readonly payloadBase64?: string
    readonly storedAt: number | string
    readonly expiresAt: number | string
  }[]
  readonly cursor: string
  readonly more: boolean
}

export function lookup(
  target: ApiTarget,
  token: string,
  query: { readonly limit?: number; readonly wait?: number; readonly signal?: AbortSignal } = {},
): Promise<LookedUp> {
  const { signal, ...rest } = query
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(rest)) search.set(name, String(value))
  return expect(target, 200, 'GET', `/v1/messages${search.size === 0 ? '' : `?${search.toString()}`}`, {
    bearer: token,
    ...(signal === undefined ? {} : { signal }),
  })
}

export async function ack(target: ApiTarget, token: string, cursor: string): Promise<void> {
  await expect(target, 204, 'POST', '/v1/messages/ack', { bearer: token, body: { cursor } })
}

/** One number of /metrics; 0 when it was never counted. Labels as they stand there: `destination="private"`. */
export async function metric(target: ApiTarget, name: string, labels?: string): Promise<number> {
  const answer = await request(target, 'GET', '/metrics', { bearer: null })
  const series = labels === undefined ? name : `${name}{${labels}}`
  const line = answer.text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? 0 : Number(line.slice(series.length + 1))
}
