/** OpenAPI 3.1, as far as the reference shows it. */

export interface Schema {
  readonly $ref?: string
  readonly title?: string
  readonly description?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema: Schema
}

export interface Content {
  readonly schema: Schema
  readonly example?: unknown
}

export interface Answer {
  readonly description: string
  readonly headers?: Readonly<Record<string, { readonly description?: string; readonly schema: Schema }>>
  readonly content?: Readonly<Record<string, Content>>
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, Content>> }
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly responses: Readonly<Record<string, Answer>>
}

export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly tags?: readonly { readonly name: string; readonly description?: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: {
    readonly schemas?: Readonly<Record<string, Schema>>
    readonly securitySchemes?: Readonly<Record<string, Credential>>
  }
}

export interface Credential {
  readonly type: string
  readonly scheme?: string
  readonly in?: string
  readonly name?: string
  readonly description?: string
}

/** An operation and where it is. */
export interface Call extends Operation {
  readonly method: string
  readonly path: string
}

export interface Group {
  readonly name: string
  readonly description: string
  readonly calls: readonly Call[]
}

/** The calls by their first tag, in the order of the document's tags; others come last, so that none is missing. */
export function groupsOf({ paths, tags = [] }: ApiDocument): Group[] {
  const groups = new Map(tags.map(({ name, description = '' }) => [name, { name, description, calls: [] as Call[] }]))
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const [name = 'other'] = operation.tags ?? []
      const group = groups.get(name) ?? { name, description: '', calls: [] }
      group.calls.push({ ...operation, method: method.toUpperCase(), path })
      groups.set(name, group)
    }
  }
  return [...groups.values()].filter(({ calls }) => calls.length > 0)
}

/** `CODE`: what it means. As the descriptions of error answers list them. */
const CODE = /^`([A-Z][A-Z_]+)`: (.+)$/

export interface CodeOfAnswer {
  readonly status: string
  readonly code: string
  readonly title: string
}

export function codesOf({ responses }: Operation): CodeOfAnswer[] {
  return Object.entries(responses).flatMap(([status, { description }]) =>
    description.split('\n\n').flatMap((line) => {
      const [, code, title] = CODE.exec(line) ?? []
      return code === undefined || title === undefined ? [] : [{ status, code, title }]
    }),
  )
}
