/** The reference of the API: one page of HTML, without scripts, made from the OpenAPI document. */
import { curl } from './curl.ts'
import {
  codesOf,
  groupsOf,
  type Answer,
  type ApiDocument,
  type Call,
  type CodeOfAnswer,
  type Credential,
  type Group,
} from './document.ts'
import { field, fields, typeOf } from './fields.ts'
import { anchor, code, escaped, paragraphs, prose } from './html.ts'
import { STYLE } from './style.ts'

type Credentials = Readonly<Record<string, Credential>>

export function referencePage(document: ApiDocument): string {
  const { info, components = {} } = document
  const { securitySchemes: credentials = {}, schemas = {} } = components
  const groups = groupsOf(document)
  const title = `${info.title} ${info.version}: HTTP API`
  const main = [
    `<h1>${escaped(title)}</h1>`,
    info.description === undefined ? '' : paragraphs(info.description),
    INTRODUCTION,
    ...groups.map((each) => groupSection(each, credentials)),
    credentialSection(credentials),
    ...Object.entries(schemas).map(
      ([name, schema]) => `<h2 id="schema-${anchor(name)}">${escaped(name)}</h2>${fields(schema)}`,
    ),
    codeSection(groups.flatMap(({ calls }) => calls)),
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(title)}</title><link rel="icon" href="data:,"><style>${STYLE}</style></head>
<body><a class="skip" href="#content">Skip to the content</a>${navigation(groups)}<main id="content">
${main.join('\n')}
</main></body></html>
`
}

const INTRODUCTION = `<p>Made from <a href="openapi.json">openapi.json</a>, with the limits of this server. The commands ask for two variables: <code>PUSH</code>, the address of the server, such as <code>http://localhost:8080</code>, and <code>KEY</code>, a provider key, or <code>TOKEN</code>, a message token.</p>`

function navigation(groups: readonly Group[]): string {
  const lists = groups.map(({ name, calls }) => {
    const links = calls.map((each) => `<li><a href="#${escaped(each.operationId)}">${prose(each.summary)}</a></li>`)
    return `<li><a href="#group-${anchor(name)}"><strong>${escaped(name)}</strong></a><ul>${links.join('')}</ul></li>`
  })
  const rest = '<li><a href="#credentials">Credentials</a></li><li><a href="#error-codes">Error codes</a></li>'
  return `<nav aria-label="Calls" tabindex="0"><ul>${lists.join('')}${rest}</ul></nav>`
}

function groupSection({ name, description, calls }: Group, credentials: Credentials): string {
  const sections = calls.map((each) => callSection(each, credentials))
  return `<h2 id="group-${anchor(name)}">${escaped(name)}</h2>${paragraphs(description)}${sections.join('\n')}`
}

function callSection(call: Call, credentials: Credentials): string {
  const { operationId, summary, description, method, path } = call
  return [
    `<section id="${escaped(operationId)}" aria-labelledby="${escaped(operationId)}-title">`,
    `<h3 id="${escaped(operationId)}-title">${prose(summary)}</h3><p>${code(`${method} ${path}`)}</p>`,
    description === undefined ? '' : paragraphs(description),
    who(call),
    parameters(call),
    body(call),
    answers(call),
    errors(codesOf(call)),
    // It takes the focus, so that the keys can scroll it.
    `<h4>Example</h4><pre tabindex="0"><code>${escaped(curl(call, credentials))}</code></pre>`,
    '</section>',
  ].join('')
}

function who({ security = [] }: Call): string {
  const names = [...new Set(security.flatMap((each) => Object.keys(each)))]
  if (names.length === 0) return '<p>Anyone may call it.</p>'
  const links = names.map((name) => `<a href="#credential-${anchor(name)}">${escaped(name)}</a>`)
  return `<p>With ${links.join(' or ')}.</p>`
}

function parameters({ parameters: all = [] }: Call): string {
  if (all.length === 0) return ''
  const rows = all.map(({ name, in: place, required, description, schema }) => {
    const told = description === undefined ? schema : { ...schema, description }
    return field(name, told, `${place}${required === true ? ', required' : ''}`)
  })
  return `<h4>Parameters</h4><ul class="fields">${rows.join('')}</ul>`
}

function body({ requestBody }: Call): string {
  if (requestBody === undefined) return ''
  return Object.entries(requestBody.content)
    .map(([type, { schema }]) => {
      const all = fields(schema)
      const need = requestBody.required === true ? '' : ' May be absent.'
      return `<h4>Body</h4><p>${code(type)}${need}${all === '' ? ' No fields.' : ''}</p>${all}`
    })
    .join('')
}

function answers({ responses }: Call): string {
  const good = Object.entries(responses).filter(([status]) => status < '400')
  return `<h4>Answer</h4>${good.map(([status, each]) => answer(status, each)).join('')}`
}

function answer(status: string, { description, headers = {}, content = {} }: Answer): string {
  const rows = Object.entries(headers).map(([name, { schema, description: about }]) =>
    field(name, about === undefined ? schema : { ...schema, description: about }, 'header'),
  )
  const bodies = Object.entries(content).map(([type, { schema }]) => {
    const all = fields(schema.items ?? schema)
    const label = `${code(type)} <span class="type">${prose(typeOf(schema))}</span>`
    return all === '' ? `<p>${label}</p>` : `<details><summary>${label}</summary>${all}</details>`
  })
  const list = rows.length === 0 ? '' : `<ul class="fields">${rows.join('')}</ul>`
  return `<p>${code(status)} ${prose(description)}</p>${list}${bodies.join('')}`
}

/** Their meaning stands once, at the end. */
function errors(codes: readonly CodeOfAnswer[]): string {
  if (codes.length === 0) return ''
  const byStatus = new Map<string, string[]>()
  for (const { status, code: name } of codes)
    byStatus.set(status, [...(byStatus.get(status) ?? []), `<a href="#error-${name}">${name}</a>`])
  const rows = [...byStatus].map(([status, links]) => `<li>${code(status)} ${links.join(', ')}</li>`)
  return `<details><summary>Errors</summary><ul class="fields">${rows.join('')}</ul></details>`
}

function credentialSection(credentials: Credentials): string {
  const rows = Object.entries(credentials).map(([name, { type, scheme, in: place, name: of, description = '' }]) => {
    const way =
      scheme === 'bearer' ? code('Authorization: Bearer') : `${code(of ?? type)} <span>in the ${place ?? ''}</span>`
    return `<tr id="credential-${anchor(name)}"><th scope="row">${escaped(name)}</th><td>${way}</td><td>${prose(description)}</td></tr>`
  })
  return `<h2 id="credentials">Credentials</h2>${table(['Name', 'Sent as', 'What it is'], rows)}`
}

function codeSection(calls: readonly Call[]): string {
  const all = new Map(calls.flatMap(codesOf).map((each) => [each.code, each]))
  const rows = [...all.values()]
    .sort((a, b) => (a.code < b.code ? -1 : 1))
    .map(
      ({ code: name, status, title }) =>
        `<tr id="error-${name}"><th scope="row">${code(name)}</th><td>${status}</td><td>${prose(title)}</td></tr>`,
    )
  return `<h2 id="error-codes">Error codes</h2>${table(['Code', 'Status', 'What it means'], rows)}`
}

function table(heads: readonly string[], rows: readonly string[]): string {
  const cells = heads.map((each) => `<th scope="col">${each}</th>`)
  return `<table><thead><tr>${cells.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`
}
