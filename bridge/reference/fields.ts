/** A schema as lists of fields. */
import type { Schema } from './document.ts'
import { code, prose } from './html.ts'

/** The schemas nest four deep; one that named itself would never end. */
const DEEPEST = 8

/** What it describes, with all that is in it. */
export function fields(schema: Schema, depth = 0): string {
  if (depth > DEEPEST) return ''
  const { properties = {}, required = [] } = schema
  const rows = Object.entries(properties).map(([name, each]) =>
    field(name, each, required.includes(name) ? 'required' : '', depth),
  )
  return `${rows.length === 0 ? '' : `<ul class="fields">${rows.join('')}</ul>`}${choices(schema, depth)}`
}

export function field(name: string, schema: Schema, need: string, depth = 0): string {
  const facts = [typeOf(schema), need].filter((each) => each !== '').join(', ')
  const text = [schema.description ?? '', limitsOf(schema)].filter((each) => each !== '').map(prose)
  return `<li>${code(name)} <span class="type">${prose(facts)}</span>${text.map((each) => `<p>${each}</p>`).join('')}${within(schema, depth + 1)}</li>`
}

/** Of an array: of what it holds. */
function within(schema: Schema, depth: number): string {
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  return [schema, schema.items, more].map((each) => (each === undefined ? '' : fields(each, depth))).join('')
}

function choices({ oneOf, anyOf }: Schema, depth: number): string {
  const all = oneOf ?? anyOf ?? []
  const names = all.filter(({ properties, type }) => properties === undefined && type === undefined)
  if (names.length > 0) {
    const lists = names.map(({ required = [] }) => required.map(code).join(' and '))
    return `<p>${oneOf === undefined ? 'At least' : 'Exactly'} one of ${lists.join(', ')}.</p>`
  }
  const shown = all.filter(({ properties, items }) => properties !== undefined || items?.properties !== undefined)
  if (shown.length === 0) return ''
  const items = shown.map(
    (each) => `<li><strong>${prose(each.title ?? typeOf(each))}</strong>${about(each)}${within(each, depth + 1)}</li>`,
  )
  return `<p>One of:</p><ul class="fields">${items.join('')}</ul>`
}

function about({ description }: Schema): string {
  return description === undefined ? '' : `<p>${prose(description)}</p>`
}

export function typeOf({ $ref, type, format, items, enum: values, anyOf, oneOf, const: only }: Schema): string {
  if ($ref !== undefined) return $ref.split('/').at(-1) ?? ''
  if (only !== undefined) return quoted(only)
  if (values !== undefined) return values.map(quoted).join(' or ')
  if (items !== undefined) return `array of ${typeOf(items) || 'any value'}`
  const all = [...new Set((anyOf ?? oneOf ?? []).map(typeOf))].filter((each) => each !== '')
  if (type === undefined) return all.length > 0 ? all.join(' or ') : ''
  const name = typeof type === 'string' ? type : type.join(' or ')
  return format === undefined ? name : `${name} (${format})`
}

function quoted(value: unknown): string {
  return `\`${JSON.stringify(value)}\``
}

function limitsOf(schema: Schema): string {
  const { examples: [example] = [] } = schema
  const facts = [
    range(schema.minimum, schema.maximum, ''),
    range(schema.minLength, schema.maxLength, ' characters'),
    range(schema.minItems, schema.maxItems, ' items'),
    schema.default === undefined ? '' : `default ${quoted(schema.default)}`,
    example === undefined ? '' : `for example ${quoted(example)}`,
  ].filter((each) => each !== '')
  const text = facts.join('; ')
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function range(from: number | undefined, to: number | undefined, unit: string): string {
  if (from === undefined && to === undefined) return ''
  if (to === undefined) return `at least ${from?.toLocaleString('en')}${unit}`
  if (from === undefined) return `at most ${to.toLocaleString('en')}${unit}`
  return `${from.toLocaleString('en')} to ${to.toLocaleString('en')}${unit}`
}
