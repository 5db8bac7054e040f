/**
 * Which pages of other origins may read the responses to devices (the Fetch standard, section 3.2). Pages have no
 * cookie here that a browser would add, so credentials are never allowed, and no page should hold a provider key.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { looksLikeToken } from '../auth/index.ts'
import { bearerOf } from './bearer.ts'
import { looksLikeCode } from './calls/enrolments.ts'

/** What devices ask, by path. Others have the same paths with other methods. */
const DEVICE_ROUTES: ReadonlyMap<string, readonly string[]> = new Map([
  ['/v1/messages', ['GET']],
  ['/v1/messages/ack', ['POST']],
  ['/v1/messages/stream', ['GET', 'POST']],
  ['/v1/tokens', ['POST']],
  ['/v1/tokens/current', ['DELETE']],
])

/** That a page may set; those that it may set anywhere are not among them. */
const REQUEST_HEADERS = 'Authorization, Content-Type, Last-Event-ID'
/** That it may read. */
const ANSWER_HEADERS = 'Retry-After, WWW-Authenticate'
/** How long a browser keeps the answer to a preflight, s: Chromium takes no more. */
const PREFLIGHT_SECONDS = 7_200

/** Whether a page of this origin may make this request; see `createHostCheck`. */
export type OriginAllowed = (request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>) => boolean

/** @param origins as browsers send them, or `*`. Undefined: none */
export function createOriginCheck(origins: readonly string[] = []): OriginAllowed {
  const allowed = new Set(origins)
  return ({ method = '', url = '', headers }) => {
    const { origin } = headers
    if (origin === undefined || !(allowed.has('*') || allowed.has(origin))) return false
    const asked = method === 'OPTIONS' ? headers['access-control-request-method'] : method
    const methods = methodsOf(url)
    return asked === 'HEAD' ? methods.includes('GET') : methods.includes(asked ?? '')
  }
}

/** Tells browsers, also with what is refused; before any other hook. */
export function allowOrigins(app: FastifyInstance, origins: readonly string[] | undefined): void {
  if (origins === undefined || origins.length === 0) return
  const isAllowed = createOriginCheck(origins)
  app.addHook('onRequest', async (request, reply) => {
    const { raw, headers, method } = request
    if (methodsOf(raw.url ?? '').length === 0) return
    // A cache must not answer one origin with what was for another, nor a program with what was for a page.
    void reply.header('vary', method === 'OPTIONS' ? `Origin, ${PREFLIGHT_VARIES}` : 'Origin')
    if (headers.origin === undefined || !isAllowed(raw) || hasProviderKey(request)) return
    void reply.header('access-control-allow-origin', headers.origin)
    if (method !== 'OPTIONS') void reply.header('access-control-expose-headers', ANSWER_HEADERS)
  })
}

const PREFLIGHT_VARIES = 'Access-Control-Request-Method, Access-Control-Request-Headers'

/** After what holds for every request has been checked, and before somebody says that there is no such route. */
export function answerPreflights(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw, method }, reply, done) => {
    if (method !== 'OPTIONS' || !reply.hasHeader('access-control-allow-origin')) done()
    else void answerPreflight(reply, methodsOf(raw.url ?? ''))
  })
}

function answerPreflight(reply: FastifyReply, methods: readonly string[]): FastifyReply {
  return reply
    .code(204)
    .header('access-control-allow-methods', methods.join(', '))
    .header('access-control-allow-headers', REQUEST_HEADERS)
    .header('access-control-max-age', PREFLIGHT_SECONDS)
    .send()
}

function methodsOf(url: string): readonly string[] {
  const [path = ''] = url.split('?', 1)
  return DEVICE_ROUTES.get(path) ?? []
}

/** Or anything else that is neither a JWT nor a code. */
function hasProviderKey(request: FastifyRequest): boolean {
  const credential = bearerOf(request)
  return credential !== undefined && !looksLikeToken(credential) && !looksLikeCode(credential)
}
