/**
 * Lets Node import TypeScript in tests: types are removed from a file once for each content, and the result is kept.
 * Every test file is a process of its own; with tap's own loader each of them loads the compiler (a second of CPU).
 * It checks nothing, `npm run types` does.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CACHE = fileURLToPath(new URL('../node_modules/.cache/aedes-push-test', import.meta.url))

/** What the code is made for: only types go, and imports stay as they are written. */
const OPTIONS = {
  target: 'es2023',
  module: 'esnext',
  verbatimModuleSyntax: true,
  inlineSourceMap: true,
}

const require = createRequire(import.meta.url)
const { version } = require('typescript/package.json')
const salt = JSON.stringify([version, OPTIONS])

function compile(input, fileName) {
  const typescript = require('typescript')
  const { options } = typescript.convertCompilerOptionsFromJson(OPTIONS, '.')
  return typescript.transpileModule(input, { fileName, compilerOptions: options }).outputText
}

function keep(file, code) {
  mkdirSync(CACHE, { recursive: true })
  // Several processes may make the same file at once: each writes its own and the last name wins.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, code)
  renameSync(draft, file)
}

function withoutTypes(fileName) {
  const input = readFileSync(fileName, 'utf8')
  const key = createHash('sha256').update(salt).update(`\0${fileName}\0`).update(input).digest('hex')
  const file = join(CACHE, `${key}.js`)
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const code = compile(input, fileName)
    keep(file, code)
    return code
  }
}

export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context)
  return { format: 'module', shortCircuit: true, source: withoutTypes(fileURLToPath(url)) }
}
