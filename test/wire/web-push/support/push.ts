/** An app that asks for an endpoint, and an application server that sends through it. */
import { createECDH, randomBytes } from 'node:crypto'
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { decrypt } from 'http_ece'
import type { Test } from 'tap'
import webPush from 'web-push'
import { type Issued, freePort, request, type Server, UnexpectedAnswer } from '../../../support/index.ts'
import { type Authority, authority } from '../../../tls/support/certificates.ts'
import { onEachEngine, type Nodes } from '../../../tokens/support/engines.ts'

export const SUBJECT = 'mailto:push@example.com'

export interface TlsNodes extends Nodes {
  readonly publicUrl: string
  readonly trust: Authority
}

/** The public URL is that of the first node, over TLS; the other one is another node. */
export async function onEachEngineOverTls(
  t: Test,
  scenario: (t: Test, nodes: TlsNodes) => Promise<void>,
  settings: Record<string, string> = {},
): Promise<void> {
  const trust = authority(t)
  const { cert, key } = trust.issue('server')
  const port = await freePort()
  const publicUrl = `https://localhost:${port}`
  const tls = { PUSH_HTTPS_PORT: '0', PUSH_TLS_CERT: cert, PUSH_TLS_KEY: key, PUSH_PUBLIC_URL: publicUrl, ...settings }
  await onEachEngine(
    t,
    async (t, nodes) => {
      await nodes.one.restart({ PUSH_HTTPS_PORT: String(port) })
      await scenario(t, { ...nodes, publicUrl, trust })
    },
    { settings: tls },
  )
}

export interface Subscribed extends Issued {
  readonly endpoint: string
}

export interface Asked {
  readonly device?: string
  readonly account?: string
  readonly vapidKey?: string
  /** Default: the provider key. */
  readonly bearer?: string
}

export async function subscribe(server: Server, { vapidKey, bearer, ...names }: Asked = {}): Promise<Subscribed> {
  const body = { app: 'chat', device: 'phone', ...names, webPush: vapidKey === undefined ? {} : { vapidKey } }
  const answer = await request(server, 'POST', '/v1/tokens', { body, ...(bearer === undefined ? {} : { bearer }) })
  if (answer.status !== 201) throw new UnexpectedAnswer('POST /v1/tokens', answer)
  return answer.body
}

/** The keys of a device: what an application server encrypts with, and the way back. */
export function deviceKeys() {
  const ecdh = createECDH('prime256v1')
  const [p256dh, auth] = [ecdh.generateKeys().toString('base64url'), randomBytes(16).toString('base64url')]
  const decrypted = (body: Buffer) =>
    decrypt(body, { version: 'aes128gcm', privateKey: ecdh, authSecret: auth }).toString()
  return { keys: { p256dh, auth }, decrypted }
}

export const agentOf = (trust: Authority) => new Agent({ ca: trust.ca })

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly code: string | undefined
  readonly text: string
}

export interface Posted {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Uint8Array
  readonly agent?: Agent
}

/** A request to an address as it was answered. */
export function at(url: string, { method = 'POST', headers = {}, body, agent }: Posted = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const given = { method, headers: { ...(body ? { 'content-length': body.length } : {}), ...headers } }
    const outgoing = url.startsWith('https:')
      ? httpsRequest(url, { ...given, agent: agent ?? false })
      : httpRequest(url, { ...given, agent: false })
    outgoing.once('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.once('error', reject)
      incoming.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        const { code } = text.startsWith('{') ? (JSON.parse(text) as { code?: string }) : {}
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, code, text })
      })
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

/** The same through this node, whatever the public URL is. */
export const through = (url: string, { httpPort }: Pick<Server, 'httpPort'>) =>
  url.replace(/^https?:\/\/[^/]+/, `http://127.0.0.1:${httpPort}`)

/** What every message has. */
export const PLAIN = { ttl: '60', 'content-encoding': 'aes128gcm' }
export const BODY = Buffer.from('as it is')

/** `Authorization` as web-push makes it. */
export function vapidOf(
  audience: string,
  keys: { publicKey: string; privateKey: string },
  expiration?: number,
): string {
  const headers = webPush.getVapidHeaders(audience, SUBJECT, keys.publicKey, keys.privateKey, 'aes128gcm', expiration)
  return headers.Authorization
}
