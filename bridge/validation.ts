/** Validates against a schema, and reports problems as errors of the catalogue that name the field. */
import { Ajv } from 'ajv'
import type { FastifySchemaValidationError } from 'fastify'
import { PushError, type ErrorCode } from '../errors.ts'

/** `errors` tells why the last value was refused. */
export interface Check<T> {
  (value: unknown): value is T
  errors?: FastifySchemaValidationError[] | null
}

/** Makes the check of a schema; a fastify instance takes it as its validator compiler. */
export type Compiler = <T>(route: { readonly schema: object }) => Check<T>

/** One for HTTP and for calls in process, so that they find the same. */
export function createCompiler(): Compiler {
  // Nothing is turned into another type or left out. `strictRequired` would forbid the `oneOf` of required fields.
  const ajv = new Ajv({
    strict: true,
    strictRequired: false,
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: true,
    allErrors: false,
    addUsedSchema: false,
    formats: { 'date-time': isDateTime },
  })
  return <T>({ schema }: { readonly schema: object }): Check<T> => {
    const whole: Check<T> = ajv.compile<T>(schema)
    const shortened = firstBranchFits(schema)
    return shortened === undefined ? whole : quickest(ajv.compile<T>(shortened), whole)
  }
}

/** What the first check takes, the second one would take too; it tells what is wrong with everything else. */
function quickest<T>(first: (value: unknown) => boolean, second: Check<T>): Check<T> {
  const check: Check<T> = (value): value is T => {
    if (first(value)) return true
    const fits = second(value)
    check.errors = second.errors ?? null
    return fits
  }
  return check
}

interface Branch {
  readonly additionalProperties?: boolean
  readonly required?: readonly string[]
  readonly properties?: object
}

interface Property {
  readonly oneOf?: readonly Branch[]
}

/**
 * The schema with `anyOf` for each property's `oneOf` of branches that exclude each other, so that a check ends with the first
 * branch that fits, and makes no errors for those after it. Undefined: it has none.
 */
function firstBranchFits(schema: { readonly properties?: Readonly<Record<string, Property>> }): object | undefined {
  let found = false
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const { oneOf: branches, ...others } = property
    if (branches === undefined || !excludeEachOther(branches)) return [name, property]
    found = true
    return [name, { ...others, anyOf: branches }]
  })
  return found ? { ...schema, properties: Object.fromEntries(properties) } : undefined
}

function excludeEachOther(branches: readonly Branch[]): boolean {
  const lacks = ({ additionalProperties, properties = {} }: Branch, { required = [] }: Branch): boolean =>
    additionalProperties === false && required.some((name) => !Object.hasOwn(properties, name))
  return branches.every((one, at) => branches.slice(at + 1).every((other) => lacks(one, other) || lacks(other, one)))
}

/** RFC 3339 section 5.6, as far as a Date holds it. */
function isDateTime(text: string): boolean {
  return DATE_TIME.test(text) && !Number.isNaN(Date.parse(text))
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i

/** Fields that have a code of their own. */
const FIELD_CODES: Readonly<Record<string, ErrorCode>> = {
  'body/ttl': 'TTL_INVALID',
  'body/id': 'MESSAGE_ID_INVALID',
  'body/collapseKey': 'COLLAPSE_KEY_INVALID',
  'body/payloadBase64': 'PAYLOAD_INVALID',
  'body/cursor': 'CURSOR_INVALID',
  'querystring/cursor': 'CURSOR_INVALID',
}

const ONE_RECEIVER =
  '`to` takes exactly one of `token`, `tokens`, and `app` with `account`, `version` or `versions`; the last two take `tags`'
/** Tags of a broadcast. */
const TAGS = 'body/to/tags'
const TO_FIELDS: ReadonlySet<unknown> = new Set(['token', 'tokens', 'app', 'account', 'version', 'versions', 'tags'])

/** What a field may be, where that is one of several. */
const ONE_OF: Readonly<Record<string, string>> = {
  'body/apps': 'must be a list of 1 to 100 names, or "*" for every app',
  'body/expiresAt': 'must be a date and time such as 2030-12-31T23:59:59Z, or null',
  'body/quotas': 'must be {"receivers": {"count", "seconds"}}, or null',
  'body/quotas/receivers': 'must be {"count", "seconds"}, or a list of one or two of them',
}

/** `where` is the part of the request: `body`, `querystring`, `params`. */
export function fromValidation(errors: readonly FastifySchemaValidationError[], where: string): PushError {
  // Inside `oneOf` the first error is about one branch only; the last one is about the whole.
  const error = errors.find(({ keyword }) => keyword === 'oneOf' || keyword === 'anyOf') ?? errors[0]
  if (error === undefined) return new PushError('REQUEST_INVALID')
  const path = `${where}${error.instancePath}`
  if (error.keyword === 'oneOf' && path === 'body') return new PushError('PAYLOAD_INVALID')
  if (error.keyword === 'oneOf' && where === 'querystring')
    return new PushError('REQUEST_INVALID', 'give exactly one of `token` and `app`')
  if (error.keyword === 'oneOf') {
    const told = errors.find(isOfField)
    return told === undefined ? new PushError('REQUEST_INVALID', ONE_RECEIVER) : fromValidation([told], where)
  }
  if (error.keyword === 'anyOf') return new PushError('REQUEST_INVALID', `${path} ${ONE_OF[path] ?? 'is not valid'}`)
  if (error.keyword === 'maxItems' && path === 'body/to/tokens') return new PushError('TOO_MANY_TOKENS')
  const code = path === TAGS || path.startsWith(`${TAGS}/`) ? 'TAGS_INVALID' : FIELD_CODES[path]
  return new PushError(code ?? 'REQUEST_INVALID', `${path} ${reason(error)}`)
}

/** What is wrong in a field of `to` is wrong in whichever branch has it. */
function isOfField({ instancePath, keyword, params }: FastifySchemaValidationError): boolean {
  if (keyword === 'additionalProperties') return !TO_FIELDS.has(params['additionalProperty'])
  return instancePath.startsWith('/to/')
}

function reason({ keyword, params, message = 'is not valid' }: FastifySchemaValidationError): string {
  if (keyword !== 'additionalProperties') return message
  // The name is the client's own text: said only where it can be a name, and is too short for a key or a token.
  const name = String(params['additionalProperty'])
  return /^\w{1,15}$/.test(name) ? `has the unknown field ${name}` : 'has an unknown field'
}
