/** What the HTTP fuzzer starts from: well-formed requests of every call, as a provider, a device or a stranger sends them. */
import { Buffer } from 'node:buffer'
import type { SeededRandom } from '../../../support/random.ts'
import type { Issued } from '../../../support/index.ts'
import { type Proofs, TOKEN_CALLS } from './token-requests.ts'

/** Texts hold one byte a character, so that a request may have any bytes. */
export interface Request {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer | undefined
  readonly chunked: boolean
}

/** Who the requests of one lane speak of. */
export interface Cast {
  readonly app: string
  /** A provider of this app alone. */
  readonly providerKey: string
  readonly device: Issued
  readonly revoked: Issued
  /** From a lookup of the device. */
  readonly cursor: string
  /** Somebody else's: nothing may reach it. */
  readonly foreign: { readonly app: string; readonly tokenId: string }
  readonly proofs: Proofs
}

/** One byte a character, of text in UTF-8. */
export const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

export function validRequest(random: SeededRandom, cast: Cast): Request {
  const [method, target, credential, content] = random.pick(random.chance(0.5) ? CALLS : TOKEN_CALLS)(random, cast)
  const fields: [string, string][] = [['Host', '127.0.0.1']]
  if (credential !== undefined) fields.push(['Authorization', `Bearer ${credential}`])
  if (content !== undefined) fields.push(['Content-Type', 'application/json'])
  const body = content === undefined ? undefined : Buffer.from(JSON.stringify(content))
  return { method, target, version: 'HTTP/1.1', fields, body, chunked: body !== undefined && random.chance(0.2) }
}

export type Call = [method: string, target: string, credential?: string, content?: object]

const CONSUMERS = ['a', 'b', '%2F', 'c'.repeat(128), encodeURIComponent('\u{1f600}')]
const EVENTS = [
  '',
  '&types=upstream',
  '&types=message.*,token.issued&limit=1',
  '&wait=0&from=latest',
  '&limit=1000&types=x',
]
/** Of somebody else. */
const EVENT_CURSOR = 'AQEADwAA7mWv0b1Y3zQ'

const CALLS: readonly ((random: SeededRandom, cast: Cast) => Call)[] = [
  issue,
  issue,
  send,
  send,
  send,
  (random, { device }) => ['GET', `/v1/messages${random.pick(QUERIES)}`, device.token],
  (random, { device }) => ['GET', `/v1/messages${random.pick(QUERIES)}`, device.token],
  (_random, { device, cursor }) => ['POST', '/v1/messages/ack', device.token, { cursor }],
  (random, { providerKey, app, foreign }) => [
    'GET',
    `/v1/events?app=${random.pick([app, app, foreign.app])}&consumer=${random.pick(CONSUMERS)}${random.pick(EVENTS)}`,
    providerKey,
  ],
  (random, { providerKey, app, cursor }) => [
    'POST',
    '/v1/events/ack',
    providerKey,
    { app, consumer: random.pick(CONSUMERS), cursor: random.pick([cursor, EVENT_CURSOR, '']) },
  ],
  (random, { providerKey, app }) => [
    'DELETE',
    `/v1/events/consumers/${random.pick(CONSUMERS)}?app=${app}`,
    providerKey,
  ],
  (random, { providerKey, revoked, foreign }) => [
    'DELETE',
    `/v1/tokens/${random.pick([revoked.tokenId, foreign.tokenId, 'A'.repeat(22)])}`,
    providerKey,
  ],
  (random) => ['GET', random.pick(['/healthz', '/healthz', '/readyz', '/metrics', '/openapi.json'])],
]

const QUERIES = ['', '?limit=1', '?limit=100', '?limit=20&wait=0', '?wait=1']

/** For devices of its own: the account of a device that others use would be switched. */
function issue(random: SeededRandom, { app, providerKey }: Cast): Call {
  const device = `other-${random.between(0, 9)}`
  const account = random.pick([{}, { account: 'ann' }, { account: 'bob äß語' }])
  const version = random.pick([{}, { version: '1.0' }, { version: '2.0.0-beta.1' }])
  const ttl = random.pick([{}, { ttl: 60 }])
  return ['POST', '/v1/tokens', providerKey, { app, device, ...account, ...version, ...ttl }]
}

function send(random: SeededRandom, { app, providerKey, device, revoked, foreign }: Cast): Call {
  const to = random.pick<object>([
    { token: device.tokenId },
    { token: device.token },
    { tokens: [device.tokenId, revoked.tokenId, foreign.tokenId, 'nobody'] },
    { app, version: '1.0' },
    { app, versions: '>=1 <3 || 5.x' },
    { app: foreign.app, versions: '*' },
    { token: foreign.tokenId },
    { app: foreign.app, token: foreign.tokenId },
  ])
  const payload = random.pick<object>([
    { payload: 'fuzz' },
    { payload: { text: 'ä語🦊', list: [1, null, true] } },
    { payloadBase64: 'AP8=' },
    { payload: '' },
  ])
  const ttl = random.pick([{ ttl: 1 }, { ttl: 60 }, {}])
  const retain = random.pick([{}, {}, {}, { retain: true }])
  const id = random.pick([{}, { id: `order-${random.between(0, 99)}` }])
  return ['POST', '/v1/messages', providerKey, { to, ...payload, ...ttl, ...retain, ...id }]
}

export function encodeRequest(
  { method, target, version, fields, body, chunked }: Request,
  random: SeededRandom,
): Buffer {
  const framing = body === undefined ? [] : [chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`]
  const lines = [`${method} ${target} ${version}`, ...fields.map(([name, value]) => `${name}: ${value}`), ...framing]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return Buffer.concat([head, body === undefined || !chunked ? (body ?? Buffer.alloc(0)) : encodeChunks(body, random)])
}

function encodeChunks(body: Buffer, random: SeededRandom): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const chunk = body.subarray(at, at + random.between(1, 1 + body.length))
    const extension = random.pick(['', '', '', ';a=b', ';a="b c"'])
    parts.push(Buffer.from(`${chunk.length.toString(16)}${extension}\r\n`), chunk, Buffer.from('\r\n'))
    at += chunk.length
  }
  const trailer = random.pick(['', '', '', 'X-Trailer: 1\r\n'])
  return Buffer.concat([...parts, Buffer.from(`0\r\n${trailer}\r\n`)])
}
