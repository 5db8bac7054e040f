/** The credential that a request comes with. */
import type { FastifyRequest } from 'fastify'
import { PushError } from '../errors.ts'

/** RFC 6750 section 2.1; Node has trimmed the end. */
const BEARER = /^bearer +(\S.*)$/i

/** Of the header; undefined: there is none. */
export function bearerOf({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return BEARER.exec(headers.authorization ?? '')?.[1]
}

/** @throws CREDENTIALS_MISSING */
export function credentialOf(request: FastifyRequest): string {
  const credential = bearerOf(request)
  if (credential === undefined) throw new PushError('CREDENTIALS_MISSING')
  return credential
}
