/** Changes to well-formed requests, of the kinds that break servers, proxies and frameworks. */
import { Buffer } from 'node:buffer'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { SeededRandom } from '../../../support/random.ts'
import { mutateJson } from './mutate-json.ts'
import { type Cast, encodeRequest, latin1, type Request } from './requests.ts'

/** The bytes of a request, and whether its end can still be told: then it has to be answered. */
export interface Mutated {
  readonly bytes: Buffer
  readonly whole: boolean
}

type Mutation = (request: Request, random: SeededRandom, cast: Cast) => Request

export function mutateRequest(request: Request, random: SeededRandom, cast: Cast): Mutated {
  let changed = request
  for (let count = random.chance(0.8) ? 1 : random.between(2, 3); count > 0; count--)
    changed = random.pick(MUTATIONS)(changed, random, cast)
  if (random.chance(0.7)) return { bytes: encodeRequest(changed, random), whole: true }
  if (random.chance(0.5)) return { bytes: misframed(changed, random), whole: false }
  return { bytes: mutateBytes(encodeRequest(changed, random), random), whole: false }
}

const withField = (request: Request, name: string, value: string): Request => ({
  ...request,
  fields: [...request.fields, [name, value]],
})

const without = ({ fields, ...rest }: Request, name: string): Request => ({
  ...rest,
  fields: fields.filter(([each]) => each.toLowerCase() !== name.toLowerCase()),
})

/** No CONNECT, which makes a tunnel of what follows: see `misframed`. HEAD, whose answers have no body, has scripts of its own. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'M-SEARCH', 'SEARCH', 'PURGE']
const TARGETS = [
  ...['//', '///', '*', '/', '/?', '?', '#', '/#', '//v1/messages', '/v1//messages', '/v1/messages/', '/%2f', '/mqtt'],
  ...['http://127.0.0.1/v1/messages', 'http://', 'https://[', 'http://user:pass@x/healthz', 'ws://x/mqtt', '://', 'x:'],
  ...['/%', '/%zz', '/%ff', '/v1/tokens/%', '/v1/tokens/%E0%A4%A', '/v1/tokens/%00', '/v1/tokens/..', '/v1/../../x'],
  ...[
    '/v1/messages?limit',
    '/v1/messages?limit=1&limit=2',
    '/v1/messages?%=%',
    '/v1/messages?wait=1e400',
    '/healthz?x',
  ],
  ...[
    '/v1/messages?__proto__=1',
    '/v1/messages?wait=%00',
    '/v1/messages;x=1',
    '/v1/messages?a[b]=c',
    '/\xff\xfe',
    '\\',
  ],
  `/${'x'.repeat(3_000)}`,
  `/v1/tokens/${'x'.repeat(2_000)}`,
  `/v1/messages?${'x=1&'.repeat(1_000)}`,
  `/${'../'.repeat(500)}`,
]
const FIELDS: readonly (readonly [string, string])[] = [
  ['Expect', '100-continue'],
  ['Expect', 'something'],
  ['Expect', '100-continue, 200-ok'],
  ['Upgrade', 'h2c'],
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Connection', 'close'],
  ['Connection', 'keep-alive, close, Host'],
  ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
  ['Content-Encoding', 'identity'],
  ['Content-Encoding', 'gzip'],
  ['Content-Encoding', 'gzip, gzip, br'],
  ['Content-Type', 'text/plain'],
  ['Content-Type', 'application/json; charset=utf-16'],
  ['Content-Type', 'multipart/form-data; boundary='],
  ['Content-Type', '\xff/;;="'],
  ['Accept', 'text/html'],
  ['Accept-Encoding', 'gzip;q=x, *;q=0'],
  ['Host', 'evil.example'],
  ['Host', ''],
  ['Host', '[::1'],
  ['Origin', 'http://evil.example'],
  ['Origin', 'null'],
  ['Range', 'bytes=0-'],
  ['If-None-Match', '*'],
  ['X-Forwarded-For', '::, 999.1.1.1'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['Cookie', 'a=b; '.repeat(100)],
  ['__proto__', 'x'],
  ['constructor', 'x'],
  ['X', ''],
  ['X', '\xff\xfe\x80'],
  ['X', 'y'.repeat(7_000)],
  ['X', 'y'.repeat(20_000)],
  ['Accept', latin1('語🦊')],
]

const MUTATIONS: readonly Mutation[] = [
  ...Array.from({ length: 6 }, () => mutateBody),
  ...Array.from({ length: 3 }, () => mutateCredential),
  ...Array.from({ length: 3 }, () => mutateTarget),
  (request, random) => ({ ...request, method: random.pick(METHODS) }),
  addField,
  addField,
  (request, random) => without(request, random.pick(['Host', 'Content-Type', 'Authorization'])),
  repeatField,
  (request, random) => ({ ...request, version: random.pick(['HTTP/1.0', 'HTTP/1.1']) }),
  compress,
  (request, random) => {
    const fields = Array.from({ length: random.pick([50, 99, 500, 1_500]) }, (_, at) => [`x${at}`, ''] as const)
    return { ...request, fields: [...request.fields, ...fields] }
  },
  (request, random) => ({
    ...request,
    body: Buffer.alloc(random.pick([0, 1, 70_000, 1_100_000]), random.pick([' ', '[', '{', '"', '0'])),
  }),
]

function addField(request: Request, random: SeededRandom): Request {
  const [name, value] = random.pick(FIELDS)
  return withField(request, name, value)
}

function repeatField(request: Request, random: SeededRandom): Request {
  if (request.fields.length === 0) return request
  const [name, value] = random.pick(request.fields)
  return withField(request, random.chance(0.5) ? name.toUpperCase() : name, value)
}

function mutateBody(request: Request, random: SeededRandom): Request {
  if (request.body === undefined) return mutateTarget(request, random)
  if (random.chance(0.2)) return { ...request, body: mutateBytes(request.body, random) }
  const value = parsed(request.body)
  return value === undefined ? request : { ...request, body: Buffer.from(mutateJson(value, random)) }
}

/** Larger ones were changed before; they may be nested too deeply to be changed by a function that calls itself. */
const LARGEST_PARSED = 10_000

/** Undefined for a body that was changed before. */
function parsed(body: Buffer): unknown {
  if (body.length > LARGEST_PARSED) return undefined
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

function mutateTarget(request: Request, random: SeededRandom): Request {
  if (random.chance(0.5)) return { ...request, target: random.pick(TARGETS) }
  const at = random.between(0, request.target.length)
  const piece = random.pick([
    '%',
    '%00',
    '%2F',
    '/',
    '?',
    '&',
    '=',
    '#',
    ';',
    '..',
    '\\',
    '\xff',
    '"',
    '[]',
    '%ED%A0%80',
  ])
  return { ...request, target: request.target.slice(0, at) + piece + request.target.slice(at + random.between(0, 2)) }
}

function mutateCredential(request: Request, random: SeededRandom, { providerKey, device, revoked }: Cast): Request {
  const [header = '', claims = '', signature = ''] = device.token.split('.')
  const unsigned = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
  const value = random.pick([
    ...[`Bearer ${revoked.token}`, `Bearer ${providerKey}`, `Bearer ${device.token}`, `Bearer ${device.tokenId}`],
    ...[`Bearer ${unsigned}.${claims}.`, `Bearer ${header}.${claims}.`, `Bearer ${header}.${signature}.${claims}`],
    `Bearer ${flipped(device.token, random)}`,
    `Bearer ${flipped(providerKey, random)}`,
    ...['Bearer', 'Bearer ', 'bearer x', 'Bearer x y', 'Basic dXNlcjpwYXNz', 'Digest', '', '\xff', 'Bearer __proto__'],
    `Bearer ${'x'.repeat(9_000)}`,
    `Bearer ${'a.'.repeat(2_000)}`,
  ])
  const bare = random.chance(0.8) ? without(request, 'Authorization') : request
  return withField(bare, 'Authorization', value)
}

function flipped(text: string, random: SeededRandom): string {
  const at = random.between(0, text.length - 1)
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
}

/** Twenty megabytes of spaces. */
const BOMB = gzipSync(Buffer.alloc(20_000_000, ' '))

function compress(request: Request, random: SeededRandom): Request {
  const body = request.body ?? Buffer.from('{}')
  const [name, packed] = random.pick([
    ['gzip', gzipSync(body)],
    ['gzip', gzipSync(body).subarray(0, 12)],
    ['gzip', BOMB],
    ['x-gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
  ] as const)
  return withField({ ...request, body: packed }, 'Content-Encoding', name)
}

const FRAMINGS: readonly string[] = [
  ...['Content-Length: -1', 'Content-Length: +5', 'Content-Length: 0x5', 'Content-Length: 5 5', 'Content-Length: 5,5'],
  ...[
    'Content-Length: 99999999999999999999',
    'Content-Length: 9007199254740993',
    'Content-Length:',
    'Content-Length : 5',
  ],
  ...[
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: chunked, gzip',
    'Transfer-Encoding: identity',
    'Transfer-Encoding:',
  ],
  ...['Transfer-Encoding:\x0bchunked', 'Transfer-Encoding: xchunked', ' Transfer-Encoding: chunked', 'X: a\r\n b'],
  ...['X\0: a', 'X: \0', 'X: a\nY: b', 'X: a\rY: b', ': a', 'X', ' X: a', 'X(: a', '\xff: a', 'Host: a\r\n\tb'],
]

/** Bytes whose end the server has to guess, or in which it may find another request than a proxy would. */
function misframed(request: Request, random: SeededRandom): Buffer {
  const bytes = encodeRequest(request, random)
  const endOfHead = bytes.indexOf('\r\n\r\n')
  switch (random.between(0, 8)) {
    case 0:
      return encodeRequest({ ...request, method: random.pick(['CONNECT', 'get', 'G\0T', 'BREW', '', 'PRI']) }, random)
    case 1:
      return encodeRequest(
        { ...request, version: random.pick(['HTTP/9.9', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1', '', 'x']) },
        random,
      )
    case 2:
      return bytes.subarray(0, random.between(0, bytes.length))
    case 3:
      return Buffer.from(
        bytes.toString('latin1').replaceAll('\r\n', random.pick(['\n', '\r', '\r\r\n', '\n\r'])),
        'latin1',
      )
    case 4:
      return Buffer.concat([
        Buffer.from(random.pick(['\r\n', '\r\n\r\n', '\0', ' ', '\x16\x03\x01', 'PROXY TCP4 ']), 'latin1'),
        bytes,
      ])
    case 5: {
      const chunked = encodeRequest({ ...request, body: request.body ?? Buffer.from('{}'), chunked: true }, random)
      return Buffer.concat([chunked.subarray(0, -2), Buffer.from('Content-Length: 7\r\n\r\n')])
    }
    default: {
      const line = Buffer.from(`\r\n${random.pick(FRAMINGS)}`, 'latin1')
      // In front of the right one, or behind it.
      const at = random.chance(0.5) ? bytes.indexOf('\r\n') : endOfHead
      return Buffer.concat([bytes.subarray(0, at), line, bytes.subarray(at)])
    }
  }
}

const EXTREMES: readonly Buffer[] = [
  '00',
  '0a',
  '0d',
  '20',
  '7f',
  '80',
  'ff',
  '0d0a',
  '0d0a0d0a',
  'c080',
  'eda080',
  'f4908080',
].map((hex) => Buffer.from(hex, 'hex'))

/** One to three bytes or pieces anywhere. */
export function mutateBytes(bytes: Buffer, random: SeededRandom): Buffer {
  let changed = Buffer.from(bytes)
  for (let left = random.between(1, 3); left > 0; left--) {
    const at = random.between(0, changed.length)
    const to = Math.min(changed.length, at + random.between(0, 8))
    const piece = random.pick([
      Buffer.from([(changed[at] ?? 0) ^ (1 << random.between(0, 7))]),
      random.pick(EXTREMES),
      Buffer.alloc(0),
      changed.subarray(at, Math.min(changed.length, at + random.between(1, 40))),
    ])
    const end = random.chance(0.5) ? to : at
    changed = random.chance(0.05)
      ? changed.subarray(0, at)
      : Buffer.concat([changed.subarray(0, at), piece, changed.subarray(end)])
  }
  return changed
}
