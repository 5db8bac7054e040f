/** Query parameters, which are always text. */
import type { FastifyRequest } from 'fastify'

export const DEFAULT_PAGE = 100
export const LONGEST_PAGE = 1_000

/** Of a list that is answered in pages. */
export const pageQuery = (usual: number, most: number) => ({
  limit: { type: 'integer', minimum: 1, maximum: most, default: usual, description: 'Maximum number of entries' },
  cursor: { type: 'string', description: '`cursor` of the previous page; absent: the first page' },
})

/** A hook: these become numbers or truth values, where they are whole ones, before they are validated. */
export function readValues(...names: readonly string[]): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const query = request.query as Record<string, unknown>
    for (const name of names) {
      const text = query[name]
      if (typeof text !== 'string') continue
      if (/^\d{1,9}$/.test(text)) query[name] = Number(text)
      else if (text === 'true' || text === 'false') query[name] = text === 'true'
    }
  }
}
