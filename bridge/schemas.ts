/** Schemas that several calls share. The ones of a single call stand in its route. */
import { ERRORS, type ErrorCode } from '../errors.ts'
import { PROBLEM_TYPE } from './problem.ts'

/** What can befall every call. */
const EVERY_CALL: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'REQUEST_TIMEOUT',
  'HEADERS_TOO_LARGE',
  'EXPECTATION_FAILED',
  'HOST_FORBIDDEN',
  'ORIGIN_FORBIDDEN',
  'RATE_LIMITED',
  'ADDRESS_CONNECTIONS_LIMIT',
  'INTERNAL',
  'SHUTTING_DOWN',
]

/** What can befall every call that needs a credential. */
export const PROVIDER_ERRORS: readonly ErrorCode[] = [
  'CREDENTIALS_MISSING',
  'CREDENTIALS_INVALID',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'TOKEN_NOT_YET_VALID',
  'NOT_A_PROVIDER',
  'SCOPE_MISSING',
]

export const DEVICE_ERRORS: readonly ErrorCode[] = [
  'CREDENTIALS_MISSING',
  'CREDENTIALS_INVALID',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'TOKEN_NOT_YET_VALID',
  'TOKEN_REVOKED',
  'TOKEN_SUPERSEDED',
  'TOKEN_UNKNOWN',
  'NOT_A_DEVICE',
  'STORE_UNAVAILABLE',
]

/** What can befall every call with a body. */
export const BODY_ERRORS: readonly ErrorCode[] = [
  'JSON_INVALID',
  'MEDIA_TYPE_UNSUPPORTED',
  'CONTENT_ENCODING_UNSUPPORTED',
  'BODY_TOO_LARGE',
]

export const problemSchema = {
  $id: 'Problem',
  type: 'object',
  description: 'Problem details, RFC 9457',
  required: ['type', 'title', 'status', 'code', 'requestId'],
  properties: {
    type: {
      type: 'string',
      description: 'A URN that contains the code',
      examples: ['urn:aedes-push:error:TTL_INVALID'],
    },
    title: {
      type: 'string',
      description: 'What the code means and what to do',
      examples: [ERRORS.TTL_INVALID.title],
    },
    status: { type: 'integer', description: 'The HTTP status', examples: [ERRORS.TTL_INVALID.status] },
    code: {
      type: 'string',
      enum: Object.keys(ERRORS),
      description: 'Stable; base decisions on it',
      examples: ['TTL_INVALID'],
    },
    detail: { type: 'string', description: 'Describes this occurrence, for people' },
    requestId: { type: 'string', description: 'Id of the request in the log of the server' },
    id: { type: 'string', description: 'Id of the message that was not accepted: send it again with this id' },
  },
}

/** The error answers of a call, by status, from the codes that it may answer with. */
export function problems(...codes: readonly ErrorCode[]): Record<number, unknown> {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of new Set([...codes, ...EVERY_CALL])) {
    const { status } = ERRORS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      status,
      {
        description: ofStatus.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('\n\n'),
        content: { [PROBLEM_TYPE]: { schema: { $ref: 'Problem#' } } },
      },
    ]),
  )
}

export const NAME = '1 to 128 bytes without control characters, `/`, `+`, `#` or a `$` at the start'

/** What a call answers: an object with all of these. */
export const answer = (description: string, properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  description,
  required: Object.keys(properties),
  properties,
})

/** Of a call without query: an unknown name is refused there as everywhere. */
export const noQuery = { type: 'object', properties: {}, additionalProperties: false }

export const tokenIdSchema = {
  type: 'string',
  description: 'Stable id of one (app, device, account)',
  examples: ['kHqJ2mXv0pR7tYw3nZs5cA'],
}

export const timeSchema = (description: string) => ({
  type: 'string',
  format: 'date-time',
  description,
  examples: ['2030-01-31T12:00:00.000Z'],
})

export const messageIdSchema = (description: string) => ({
  type: 'string',
  description,
  examples: ['order-1042-shipped'],
})

export const tagsSchema = (description: string) => ({
  type: 'array',
  items: { type: 'string' },
  maxItems: 16,
  description: `${description}; each 1 to 64 bytes`,
  examples: [['beta', 'group:7']],
})
