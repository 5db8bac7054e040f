/** A span for each request, from its headers to the end of its response. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isTraceparent, type TraceSpan, type Tracing } from '../common/tracing.ts'
import { routeOf } from './route-of.ts'

/** What balancers, scrapers and browsers ask. */
const UNTRACED = /^\/(healthz|readyz|metrics|openapi\.json|console|docs)/

const spans = Symbol('span')

type Traced = FastifyRequest & { [spans]?: TraceSpan }

export function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  app.addHook('onRequest', async (request) => {
    const { method, headers } = request
    const route = routeOf(request)
    if (route === undefined || UNTRACED.test(route)) return
    const { traceparent } = headers
    const parent = typeof traceparent === 'string' && isTraceparent(traceparent) ? traceparent : undefined
    const attributes = { 'http.request.method': method, 'http.route': route }
    const span = tracing.begin('server', `${method} ${route}`, parent, attributes)
    if (span !== undefined) (request as Traced)[spans] = span
  })
  // Of a client that has gone as well: it is called for each request that has begun.
  app.addHook('onResponse', async (request, { statusCode }) => {
    const error = statusCode >= 500 ? String(statusCode) : undefined
    ;(request as Traced)[spans]?.end({ 'http.response.status_code': statusCode }, error)
  })
}

/** Where what this request sends belongs; undefined: its trace is not recorded. */
export function traceparentOf(request: FastifyRequest): string | undefined {
  return (request as Traced)[spans]?.traceparent
}
