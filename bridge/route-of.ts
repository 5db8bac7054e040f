/** The pattern of a request's route. */
import type { FastifyRequest } from 'fastify'

const known = Symbol('route')

type Known = FastifyRequest & { [known]?: string | null }

/** Kept on the request: whenever fastify is asked for its `routeOptions`, it makes them anew. Undefined: there is no such route. */
export function routeOf(request: FastifyRequest): string | undefined {
  const kept: Known = request
  if (kept[known] === undefined) kept[known] = request.routeOptions.url ?? null
  return kept[known] ?? undefined
}
