/** A call as a command that people paste: `$PUSH`, `$KEY` and `$TOKEN` stand for what only they know. */
import type { Call, Credential, Schema } from './document.ts'

type Credentials = Readonly<Record<string, Credential>>

const VARIABLES: Readonly<Record<string, string>> = {
  providerKey: '$KEY',
  messageToken: '$TOKEN',
  identityToken: '$IDENTITY_TOKEN',
  enrolmentCode: '$CODE',
}

export function curl(call: Call, credentials: Credentials): string {
  const { method, requestBody, responses } = call
  const [[type, content] = []] = Object.entries(requestBody?.content ?? {})
  const body = content && (content.example ?? exampleOf(content.schema))
  const isStream = Object.values(responses).some((each) => each.content?.['text/event-stream'] !== undefined)
  const usual = body === undefined ? 'GET' : 'POST'
  const parts = [
    `curl -s${isStream ? 'N' : ''}${method === usual ? '' : ` -X ${method}`} "$PUSH${address(call)}"`,
    ...headers(call, credentials).map((each) => `-H ${each}`),
    ...(type === undefined ? [] : [`-H 'Content-Type: ${type}'`]),
    ...(body === undefined ? [] : [`-d ${quoted(typeof body === 'string' ? body : JSON.stringify(body))}`]),
  ]
  return parts.join(' \\\n  ')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** With what must be in the path and the query. */
function address({ path, parameters = [] }: Call): string {
  const needed = parameters.filter(({ required }) => required === true)
  const filled = needed
    .filter((each) => each.in === 'path')
    .reduce((text, { name, schema }) => text.replace(`{${name}}`, encodeURIComponent(value(schema, name))), path)
  const query = needed
    .filter((each) => each.in === 'query')
    .map(({ name, schema }) => `${name}=${encodeURIComponent(value(schema, name))}`)
  return query.length === 0 ? filled : `${filled}?${query.join('&')}`
}

function value(schema: Schema, name: string): string {
  const example = exampleOf(schema)
  return typeof example === 'string' && example !== '' && example !== '...' ? example : name.toUpperCase()
}

/** By the first credential that the call takes. */
function headers({ security = [], parameters = [] }: Call, credentials: Credentials): string[] {
  const [name = ''] = Object.keys(security[0] ?? {})
  const credential = credentials[name]
  const needed = parameters
    .filter((each) => each.in === 'header' && each.required === true)
    .map((each) => `'${each.name}: ${value(each.schema, each.name)}'`)
  if (credential?.scheme === 'bearer') return [`"Authorization: Bearer ${VARIABLES[name] ?? '$KEY'}"`, ...needed]
  if (credential?.in === 'header') return [`"${credential.name}: $${name.toUpperCase()}"`, ...needed]
  return needed
}

/** The smallest value that the schema asks for, from its own examples. */
export function exampleOf(schema: Schema): unknown {
  const { examples, enum: values, oneOf, anyOf, items, properties = {}, required = [], type } = schema
  if (examples?.[0] !== undefined) return examples[0]
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (values?.[0] !== undefined) return values[0]
  if (type === 'object') {
    const all = Object.entries(properties)
    const needed = all.filter(([name]) => required.includes(name))
    const chosen = needed.length === 0 ? all.slice(0, schema.minProperties ?? 0) : needed
    return Object.fromEntries(chosen.map(([name, each]) => [name, exampleOf(each)]))
  }
  const [first] = oneOf ?? anyOf ?? []
  if (first !== undefined) return exampleOf(first)
  if (type === 'array') return items === undefined ? [] : [exampleOf(items)]
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1
  if (type === 'boolean') return true
  return '...'
}
