/** What a query holds is text. */
import type { FastifyRequest } from 'fastify'

/** A hook: these become numbers, where they are whole ones, before they are validated. */
export function readNumbers(...names: readonly string[]): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const query = request.query as Record<string, unknown>
    for (const name of names) {
      const text = query[name]
      if (typeof text === 'string' && /^\d{1,9}$/.test(text)) query[name] = Number(text)
    }
  }
}
