/**
 * The console: one script, one style sheet and one page, and each of them compressed, so that nobody does that while it
 * serves. Plain JavaScript, as prepare.mjs, which calls it.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const PAGE = 'index.html'
const SCRIPT = 'app.js'
const STYLE = 'app.css'
const ICON = 'icon.svg'

/** When one of these changes, it is built again. */
function newestOf(root) {
  const filesOf = (folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(root, folder, name))
  const all = [
    ...filesOf('console'),
    ...filesOf('client'),
    join(root, 'package-lock.json'),
    join(root, 'scripts', 'console.mjs'),
  ]
  return Math.max(...all.map((file) => statSync(file).mtimeMs))
}

function isFresh(file, newest) {
  try {
    return statSync(file).mtimeMs >= newest
  } catch {
    return false
  }
}

/** Comments, and white space that says nothing. */
function shrinkStyle(text) {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,>]) ?/g, '$1')
    .replace(/: /g, ':')
    .replace(/;}/g, '}')
    .trim()
}

function writeCompressed(file, content) {
  const bytes = Buffer.from(content)
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: quality }))
  writeFileSync(file, bytes)
}

/** @param folder of the build: the console goes below it */
export async function buildConsole(root, folder) {
  const sources = join(root, 'console')
  const out = join(root, folder, 'console')
  if (isFresh(join(out, PAGE), newestOf(root))) return
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({
    input: join(sources, 'main.tsx'),
    cwd: root,
    platform: 'browser',
    tsconfig: join(sources, 'tsconfig.json'),
    logLevel: 'warn',
    // uPlot marks nothing as free of side effects, and is all used.
    treeshake: true,
  })
  const { output } = await bundle.generate({ format: 'es', minify: true, codeSplitting: false })
  await bundle.close()
  const style = ['node_modules/uplot/dist/uPlot.min.css', 'console/style/base.css', 'console/style/parts.css']
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  writeCompressed(join(out, SCRIPT), output[0].code)
  writeCompressed(join(out, STYLE), shrinkStyle(style.map((name) => readFileSync(join(root, name), 'utf8')).join('\n')))
  writeCompressed(join(out, ICON), readFileSync(join(sources, ICON)))
  // The last one: it says that the others are there.
  writeCompressed(join(out, PAGE), readFileSync(join(sources, PAGE)))
}
