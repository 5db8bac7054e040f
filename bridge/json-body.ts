/** Reading a JSON body, with nothing let through that would change on the way. */
import type { FastifyInstance } from 'fastify'
import { PushError } from '../errors.ts'

/**
 * Only `application/json`, only UTF-8. Names such as `__proto__` are data here: no object of a request is ever merged
 * into another one, and at places with a schema they are unknown fields.
 */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    // A DELETE has no body, yet clients that set the content type on everything are common.
    if (body.length === 0 && request.method === 'DELETE') done(null, undefined)
    else parse(body as Buffer, done)
  })
  app.addHook('preValidation', async (request) => {
    const needsBody = request.routeOptions.schema?.body !== undefined
    if (needsBody && request.body === undefined) throw new PushError('JSON_INVALID', 'there is no body')
  })
}

function parse(body: Buffer, done: (error: Error | null, value?: unknown) => void): void {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // Without the parser's message, which would quote the body.
    done(new PushError('JSON_INVALID'))
    return
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) done(null, value)
  else done(new PushError('JSON_INVALID', 'not an object'))
}
