/**
 * Removes the types from a file for the test runner, once for each content: every test file is a process of its own, and
 * without this each of them compiles the whole server again (5 s of CPU where 0.1 s do).
 * tsconfig.tap.json names it to tap's loader; it checks nothing, `npm run types` does.
 */
const { createHash } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const CACHE = join(__dirname, '..', 'node_modules', '.cache', 'aedes-push-test')

/** What the code is made for: only types go, and imports stay as they are written. */
const OPTIONS = {
  target: 'es2023',
  module: 'esnext',
  verbatimModuleSyntax: true,
  sourceMap: true,
}

function compile(input, fileName) {
  const typescript = require('typescript')
  const { options } = typescript.convertCompilerOptionsFromJson(OPTIONS, '.')
  const { outputText, sourceMapText } = typescript.transpileModule(input, { fileName, compilerOptions: options })
  return { outputText, sourceMapText }
}

function keep(file, result) {
  mkdirSync(CACHE, { recursive: true })
  // Several processes may make the same file at once: each writes its own and the last name wins.
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, JSON.stringify(result))
  renameSync(draft, file)
}

exports.create = () => {
  const { version } = require('typescript/package.json')
  const salt = JSON.stringify([version, OPTIONS])
  return {
    transpile(input, { fileName }) {
      const key = createHash('sha256').update(salt).update(`\0${fileName}\0`).update(input).digest('hex')
      const file = join(CACHE, `${key}.json`)
      try {
        return JSON.parse(readFileSync(file, 'utf8'))
      } catch {
        const result = compile(input, fileName)
        keep(file, result)
        return result
      }
    },
  }
}
