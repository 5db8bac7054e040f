/** What is deployed, as the files say. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { readConfig } from '../../../server/arguments.ts'
import { ROOT } from '../../support/index.ts'

export const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')

/** Every document of a YAML file; a mistake in its form throws. */
export function documents<T>(name: string): T[] {
  return parseAllDocuments(read(name)).map((document) => {
    const [error] = [...document.errors, ...document.warnings]
    if (error !== undefined) throw error
    return document.toJS({}) as T
  })
}

export function document<T>(name: string): T {
  const [only, ...others] = documents<T>(name)
  if (only === undefined || others.length > 0) throw new Error(`${name} is not one document`)
  return only
}

/** Every file of the deployments. */
export function deployed(): string[] {
  const inside = readdirSync(join(ROOT, 'deploy'), { recursive: true, withFileTypes: true })
  const files = inside.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  return ['Dockerfile', 'compose.yaml', ...files.map((path) => path.slice(ROOT.length).replace(/^\//, ''))]
}

/** Reads the settings among these variables as the server does, and throws where one is none, or not allowed. */
export function checkSettings(variables: Readonly<Record<string, string>>) {
  const { config, unknown } = readConfig([], variables)
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: no settings`)
  return config
}

/** `${NAME:-default}` of Compose. */
export function interpolated(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')]),
  )
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

export interface Service {
  readonly image: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly stop_grace_period?: string
}

export function compose(): Compose {
  const [parsed] = parseAllDocuments(read('compose.yaml'), { merge: true })
  if (parsed === undefined || parsed.errors.length > 0) throw new Error('compose.yaml cannot be read')
  return parsed.toJS({}) as Compose
}

export interface Dockerfile {
  /** Instruction and its text, without the continuation of lines. */
  readonly steps: readonly { readonly instruction: string; readonly text: string }[]
  readonly environment: Readonly<Record<string, string>>
  readonly exposed: readonly number[]
}

export function dockerfile(): Dockerfile {
  const text = read('Dockerfile')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\s*\\\n\s*/g, ' ')
  const steps = [...text.matchAll(/^([A-Z]+) (.+)$/gm)].map(([, instruction = '', rest = '']) => ({
    instruction,
    text: rest,
  }))
  const of = (wanted: string) => steps.filter(({ instruction }) => instruction === wanted).map((step) => step.text)
  const pairs = of('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('=')))
  return {
    steps,
    environment: Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value])),
    exposed: of('EXPOSE').flatMap((line) => line.split(' ').map(Number)),
  }
}

/** Sections of a unit: each name with its values in order. */
export function unit(name: string): Map<string, Map<string, string[]>> {
  const sections = new Map<string, Map<string, string[]>>()
  let section = new Map<string, string[]>()
  for (const line of read(name).split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [, title] = /^\[(\w+)\]$/.exec(line) ?? []
    if (title !== undefined) {
      section = new Map()
      sections.set(title, section)
      continue
    }
    const [, key = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (key === '') throw new Error(`${name}: ${line}`)
    section.set(key, [...(section.get(key) ?? []), value])
  }
  return sections
}
