/**
 * `npm run test:mutations`: how many small faults the tests find. Faults are chosen by a seed, so that the same ones can
 * be put in before and after a change of the tests. A fault is known by its line's text, which survives a move. What is
 * compiled in .build/ is changed, and changed back; the sources stay as they are.
 *
 *   choose --seed N --count 100 --out faults.json   picks faults
 *   map --out map.json                              runs every test once, and notes which functions it enters
 *   run --faults faults.json --map map.json         puts each in and runs the tests that enter its function
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import ts from 'typescript'

interface Fault {
  readonly file: string
  /** The nearest function or method around it. */
  readonly owner: string
  readonly line: string
  /** Which of the lines with this text, and where in it. */
  readonly occurrence: number
  readonly column: number
  readonly length: number
  readonly replacement: string
}

interface Entered {
  readonly seconds: number
  /** `file name:function name` of what it entered. */
  readonly functions: readonly string[]
}

const PRODUCT = ['common', 'topics', 'auth', 'store', 'broker', 'bridge', 'push', 'mosquitto-compat', 'server']
/** What is compiled, and run. */
const BUILD = '.build'
const SWAPS: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '&&': '||',
  '||': '&&',
  '-': '+',
  '*': '/',
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    root: { type: 'string', default: '.' },
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '100' },
    out: { type: 'string' },
    faults: { type: 'string', default: 'faults.json' },
    map: { type: 'string', default: 'map.json' },
    jobs: { type: 'string', default: '2' },
    /** Seconds of tests for one fault, at most: cheapest first. */
    budget: { type: 'string', default: '90' },
  },
})
const root = values.root

function files(folder: string, pattern: RegExp): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => pattern.test(name))
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

function productFiles(): string[] {
  const here = readdirSync(root).filter((name) => /^[a-z-]+\.ts$/.test(name))
  return [...here, ...PRODUCT.flatMap((folder) => files(folder, /(?<!\.d)\.ts$/))].sort()
}

function testFiles(): string[] {
  const all = files('test', /\.ts$/)
  return all.filter((name) => !/support\/|conformance\.ts|\/(long|storm)\//.test(name)).sort()
}

/** Where a fault can be put, and what it makes of the text there. */
function faultAt(node: ts.Node, source: ts.SourceFile): readonly [ts.Node, string] | undefined {
  if (ts.isBinaryExpression(node)) {
    const swapped = SWAPS[node.operatorToken.getText(source)]
    return swapped === undefined ? undefined : [node.operatorToken, swapped]
  }
  if (ts.isIfStatement(node)) return [node.expression, `!(${node.expression.getText(source)})`]
  if (node.kind === ts.SyntaxKind.TrueKeyword && !ts.isLiteralTypeNode(node.parent)) return [node, 'false']
  if (node.kind === ts.SyntaxKind.FalseKeyword && !ts.isLiteralTypeNode(node.parent)) return [node, 'true']
  if (ts.isNumericLiteral(node) && !ts.isLiteralTypeNode(node.parent)) return [node, `(${node.text} + 1)`]
  if (!ts.isExpressionStatement(node)) return undefined
  const called = ts.isAwaitExpression(node.expression) ? node.expression.expression : node.expression
  const isSuper = ts.isCallExpression(called) && called.expression.kind === ts.SyntaxKind.SuperKeyword
  return ts.isCallExpression(called) && !isSuper ? [node, 'void 0'] : undefined
}

function ownerOf(node: ts.Node, source: ts.SourceFile): string {
  for (let at: ts.Node | undefined = node; at !== undefined; at = at.parent) {
    if (ts.isConstructorDeclaration(at) && ts.isClassLike(at.parent)) return at.parent.name?.text ?? ''
    if ((ts.isFunctionDeclaration(at) || ts.isMethodDeclaration(at) || ts.isAccessor(at)) && at.name !== undefined)
      return at.name.getText(source)
    const isFunction = ts.isArrowFunction(at) || ts.isFunctionExpression(at)
    if (isFunction && (ts.isVariableDeclaration(at.parent) || ts.isPropertyAssignment(at.parent)))
      return at.parent.name.getText(source)
  }
  return ''
}

function faultsOf(file: string): Fault[] {
  const text = readFileSync(join(root, file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true)
  const lines = text.split('\n')
  const found: Fault[] = []
  const visit = (node: ts.Node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return
    const at = faultAt(node, source)
    if (at !== undefined) {
      const [where, replacement] = at
      const start = where.getStart(source)
      const { line, character } = source.getLineAndCharacterOfPosition(start)
      const content = lines[line] ?? ''
      const length = where.getEnd() - start
      const occurrence = lines.slice(0, line).filter((each) => each.trim() === content.trim()).length
      if (character + length <= content.length)
        found.push({
          file,
          owner: ownerOf(where, source),
          line: content.trim(),
          occurrence,
          column: character - (content.length - content.trimStart().length),
          length,
          replacement,
        })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function choose(): Fault[] {
  const next = random(Number(values.seed))
  const all = productFiles().flatMap(faultsOf)
  const chosen: Fault[] = []
  while (chosen.length < Number(values.count) && all.length > 0)
    chosen.push(...all.splice(Math.floor(next() * all.length), 1))
  return chosen
}

interface Broken {
  readonly file: string
  /** As the function is called now. */
  readonly owner: string
  readonly text: string
}

/** The file with the fault in it; undefined where the line is gone. */
function broken(fault: Fault): Broken | undefined {
  const candidates = productFiles().filter((file) => basename(file) === basename(fault.file))
  const moved = candidates.length === 0 ? productFiles() : candidates
  for (const file of moved) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    const numbers = [...lines.keys()].filter((number) => lines[number]?.trim() === fault.line)
    const number = numbers[Math.min(fault.occurrence, numbers.length - 1)]
    if (number === undefined) continue
    const line = lines[number] ?? ''
    const at = line.length - line.trimStart().length + fault.column
    lines[number] = line.slice(0, at) + fault.replacement + line.slice(at + fault.length)
    const occurrence = numbers.indexOf(number)
    const same = faultsOf(file).find(
      (each) => each.line === fault.line && each.occurrence === occurrence && each.column === fault.column,
    )
    return { file, owner: same?.owner ?? fault.owner, text: lines.join('\n') }
  }
  return undefined
}

/** Runs one compiled test; true when it passed. */
async function passes(file: string, env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  const compiled = join(BUILD, file.replace(/\.ts$/, '.js'))
  const child = spawn(process.execPath, [compiled], {
    cwd: root,
    env: { ...process.env, TAP_BAIL: '1', TAP_TIMEOUT: '120', ...env },
    stdio: 'ignore',
    detached: true,
  })
  const late = setTimeout(() => kill(child.pid), 150_000)
  const [code] = await once(child, 'exit')
  clearTimeout(late)
  kill(child.pid)
  return code === 0
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

interface Coverage {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly { readonly functionName: string; readonly ranges: readonly { count: number }[] }[]
  }[]
}

function enteredIn(folder: string): string[] {
  const entered = new Set<string>()
  for (const name of readdirSync(folder)) {
    let coverage: Coverage
    try {
      coverage = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    } catch {
      continue
    }
    for (const { url, functions } of coverage.result) {
      if (!url.includes(`/${BUILD}/`) || url.includes('/test/')) continue
      const file = basename(url).replace(/\.[jt]s$/, '')
      for (const { functionName, ranges } of functions)
        if ((ranges[0]?.count ?? 0) > 0) entered.add(`${file}:${functionName.replace(/^(get|set) /, '')}`)
    }
  }
  return [...entered]
}

async function inParallel<T>(items: readonly T[], jobs: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: jobs }, worker))
}

async function map(): Promise<Record<string, Entered>> {
  const entered: Record<string, Entered> = {}
  await inParallel(testFiles(), Number(values.jobs), async (file) => {
    const folder = mkdtempSync(join(tmpdir(), 'aedes-push-coverage-'))
    const before = performance.now()
    const ok = await passes(file, { NODE_V8_COVERAGE: folder })
    const seconds = (performance.now() - before) / 1000
    if (ok) entered[file] = { seconds, functions: enteredIn(folder) }
    else console.error(`${file} fails without a fault, and is left out`)
    rmSync(folder, { recursive: true, force: true })
  })
  return entered
}

function testsFor(fault: Pick<Fault, 'file' | 'owner'>, entered: Readonly<Record<string, Entered>>): string[] {
  const file = basename(fault.file, '.ts')
  const wanted = fault.owner === '' ? (each: string) => each.startsWith(`${file}:`) : `${file}:${fault.owner}`
  const all = Object.entries(entered)
    .filter(([, { functions }]) => (typeof wanted === 'string' ? functions.includes(wanted) : functions.some(wanted)))
    .sort(([, a], [, b]) => a.seconds - b.seconds)
  let left = Number(values.budget)
  return all.filter(([, { seconds }]) => (left -= seconds) > 0).map(([name]) => name)
}

/** Compiles a file to where the tests have it; gives how to undo that. */
function compileTo(file: string, text: string): () => void {
  const target = join(root, BUILD, file.replace(/\.ts$/, '.js'))
  const previous = readFileSync(target, 'utf8')
  const { outputText } = ts.transpileModule(text, {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  })
  writeFileSync(target, outputText)
  return () => writeFileSync(target, previous)
}

async function run(): Promise<void> {
  const faults: Fault[] = JSON.parse(readFileSync(values.faults, 'utf8'))
  const entered: Record<string, Entered> = JSON.parse(readFileSync(values.map, 'utf8'))
  const counts = { found: 0, missed: 0, gone: 0 }
  for (const [number, fault] of faults.entries()) {
    const put = broken(fault)
    const name = `${number} ${fault.file} ${fault.owner}: ${fault.line} -> ${fault.replacement}`
    if (put === undefined) {
      counts.gone++
      console.log(`gone   ${name}`)
      continue
    }
    const restore = compileTo(put.file, put.text)
    let finder: string | undefined
    let tried = 0
    await inParallel(testsFor(put, entered), Number(values.jobs), async (file) => {
      if (finder !== undefined) return
      tried++
      if (!(await passes(file))) finder ??= file
    })
    restore()
    counts[finder === undefined ? 'missed' : 'found']++
    console.log(`${finder === undefined ? 'missed' : 'found '} ${name} (${tried} tests${finder ? `, ${finder}` : ''})`)
  }
  console.log(`${counts.found} found, ${counts.missed} missed, ${counts.gone} gone`)
}

function write(value: unknown): void {
  writeFileSync(values.out ?? '/dev/stdout', `${JSON.stringify(value, undefined, 1)}\n`)
}

if (positionals[0] === 'choose') write(choose())
else if (positionals[0] === 'map') write(await map())
else if (positionals[0] === 'run') await run()
else throw new Error('say choose, map or run')
