// Do the lint rules refuse every import that the layout forbids, and let the allowed ones through?
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { ROOT, startProgram, temporaryFolder } from '../support/index.ts'

const FOLDERS = [
  'topics',
  'common',
  'auth',
  'store',
  'broker',
  'bridge',
  'push',
  'mosquitto-compat',
  'client',
  'server',
] as const
type Folder = (typeof FOLDERS)[number]

const MAY_IMPORT: Record<Folder, readonly Folder[]> = {
  topics: [],
  common: [],
  auth: ['common', 'topics'],
  store: ['common', 'topics'],
  broker: ['auth', 'store', 'common', 'topics'],
  bridge: ['auth', 'store', 'common', 'topics'],
  push: ['auth', 'store', 'broker', 'bridge', 'common', 'topics'],
  'mosquitto-compat': ['common', 'topics'],
  client: [],
  server: FOLDERS,
}

/** Packages that only some may import: whole folders, or single files. */
const ONLY: Record<string, readonly string[]> = {
  aedes: ['broker/', 'push/'],
  'aedes-persistence-redis': ['broker/aedes/'],
  'classic-level': ['store/level/'],
  ioredis: ['broker/aedes/', 'store/redis/'],
  'fast-jwt': ['auth/'],
  mqtt: ['bridge/'],
  'node:process': ['server/main.ts', 'server/command.ts'],
}

/** One line of a file, and whether the rule must refuse it. */
interface Case {
  readonly file: string
  readonly code: string
  readonly refused: boolean
}

const FREE = ['test/deep/x.ts', 'bench/x.ts', 'examples/x.ts', 'scripts/x.ts']
const ROOT_FILES = ['index.ts', 'server/main.ts', 'server/command.ts', 'server/serve.ts']
const KINDS = ['import', 'import type', 'export'] as const

/** Imports that are judged one by one: each is in a file of its own. */
interface Import {
  readonly from: string
  readonly to: string
  readonly kind: (typeof KINDS)[number] | 'dynamic'
  readonly refused: boolean
}

function codeOf({ from, to, kind }: Import): string {
  const specifier = /^[a-z:-]+$/.test(to) ? to : `${'../'.repeat(from.split('/').length - 1) || './'}${to}`
  return kind === 'dynamic' ? `export const x = () => import('${specifier}')` : `${kind} { x } from '${specifier}'`
}

function arrows(): Import[] {
  return FOLDERS.flatMap((folder) => {
    const others = FOLDERS.filter((other) => other !== folder).flatMap((other) => {
      const refused = !MAY_IMPORT[folder].includes(other)
      return [
        { from: `${folder}/a.ts`, to: `${other}/y.ts`, kind: 'import', refused } as const,
        { from: `${folder}/deep/b.ts`, to: `${other}/deep/y.ts`, kind: 'import type', refused } as const,
        { from: `${folder}/index.ts`, to: `${other}/y.ts`, kind: 'export', refused } as const,
        { from: `${folder}/c.ts`, to: `${other}/deep/y.ts`, kind: 'dynamic', refused } as const,
      ]
    })
    const isRefused = ['topics', 'client'].includes(folder)
    const errors = { from: `${folder}/d.ts`, to: 'errors.ts', kind: 'import', refused: isRefused } as const
    const tests = { from: `${folder}/e.ts`, to: 'test/y.ts', kind: 'import', refused: true } as const
    return [...others, errors, tests]
  })
}

function packages(): Import[] {
  const places = FOLDERS.flatMap((folder) => [`${folder}/x.ts`, `${folder}/deep/x.ts`])
  const files = [...places, 'broker/aedes/x.ts', 'store/level/x.ts', 'store/redis/x.ts', ...ROOT_FILES, ...FREE]
  return Object.entries(ONLY).flatMap(([to, allowed]) =>
    files.map((from) => {
      const isAllowed = allowed.some((place) => from.startsWith(place)) || FREE.includes(from)
      return { from, to, kind: 'import', refused: !isAllowed } as const
    }),
  )
}

interface Violation {
  readonly from: string
  readonly to: string
  readonly rule: { readonly name: string }
}

/** What the project's rules say of a tree of these imports. */
async function violations(t: Test, imports: readonly Import[]): Promise<readonly Violation[]> {
  const folder = temporaryFolder(t, 'arrows')
  const files = new Map<string, string[]>()
  for (const one of imports) {
    files.set(one.from, [...(files.get(one.from) ?? []), codeOf(one)])
    if (one.to.endsWith('.ts') && !files.has(one.to)) files.set(one.to, [])
  }
  for (const [file, lines] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), `${lines.join('\n')}\nexport const x = 1\n`)
  }
  writeFileSync(join(folder, 'tsconfig.json'), '{}')
  const config = join(ROOT, '.dependency-cruiser.mjs')
  const bin = join(ROOT, 'node_modules', '.bin', 'depcruise')
  const program = startProgram(t, bin, ['--config', config, '--output-type', 'json', '.'], { cwd: folder })
  await program.exited
  const report = program.stdout.received.join('\n')
  if (!report.startsWith('{')) throw new Error(`no report\n${report}${program.stderr.join('\n')}`)
  return (JSON.parse(report) as { summary: { violations: Violation[] } }).summary.violations
}

async function misjudged(t: Test, imports: readonly Import[]): Promise<Import[]> {
  const found = await violations(t, imports)
  const isRefused = ({ from, to }: Import) =>
    found.some((each) => each.from === from && each.to === to.replace(/^node:/, '') && each.rule.name !== 'no-cycle')
  return imports.filter((one) => isRefused(one) !== one.refused)
}

t.test('the arrows between the folders', async (t) => {
  t.same(await misjudged(t, arrows()), [])
})

t.test('the packages that only one folder may use', async (t) => {
  t.same(await misjudged(t, packages()), [])
})

t.test('circles of imports, types included', async (t) => {
  const kind = 'import type'
  const found = await violations(t, [
    { from: 'store/a.ts', to: 'store/b.ts', kind, refused: true },
    { from: 'store/b.ts', to: 'store/a.ts', kind, refused: true },
    { from: 'store/c.ts', to: 'store/b.ts', kind, refused: false },
  ])
  // A circle is told once, where it was met first.
  t.ok(found.length > 0)
  for (const { from, rule } of found) {
    t.equal(rule.name, 'no-cycle')
    t.not(from, 'store/c.ts')
  }
})

interface Diagnostic {
  /** Absent when the file could not be read as TypeScript. */
  readonly code?: string
  readonly filename: string
  readonly labels: readonly { readonly span: { readonly line: number } }[]
}

/** Lines of one file must not declare the same name twice. */
function namedApart(one: Case, index: number): string {
  return one.code.replace('NAME', `x${index}`)
}

/** Writes each case as a line of its file, lints the tree with the project's rules, and gives the rules each line broke. */
async function lint(t: Test, cases: readonly Case[]): Promise<string[][]> {
  const folder = temporaryFolder(t, 'lint')
  const files = groupByFile(cases)
  for (const [file, lines] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), `${lines.map(namedApart).join('\n')}\nexport {}\n`)
  }
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  const options = { module: 'nodenext', target: 'es2023', strict: true, types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))

  const bin = join(ROOT, 'node_modules', '.bin')
  const oxlint = startProgram(t, join(bin, 'oxlint'), ['--type-aware', '--format=json', '.'], {
    cwd: folder,
    env: { PATH: `${bin}${delimiter}${process.env.PATH}` },
  })
  await oxlint.exited
  const report = oxlint.stdout.received.join('\n')
  if (!report.startsWith('{')) throw new Error(`oxlint gave no report\n${report}${oxlint.stderr.join('\n')}`)
  const { diagnostics } = JSON.parse(report) as { diagnostics: Diagnostic[] }
  return cases.map((one) => {
    const line = (files.get(one.file)?.indexOf(one) ?? -1) + 1
    const mine = diagnostics.filter((found) => found.filename === one.file && found.labels[0]?.span.line === line)
    return mine.map((found) => found.code ?? 'unreadable')
  })
}

function groupByFile(cases: readonly Case[]): Map<string, Case[]> {
  const files = new Map<string, Case[]>()
  for (const one of cases) files.set(one.file, [...(files.get(one.file) ?? []), one])
  return files
}

/** The cases that were judged otherwise than they should. */
async function misjudgedLines(t: Test, rule: string, cases: readonly Case[]): Promise<Case[]> {
  const broken = await lint(t, cases)
  return cases.filter((one, index) => broken[index]!.some((code) => code.includes(`(${rule})`)) !== one.refused)
}

t.test('the environment is read in the composition root only', async (t) => {
  const code = 'export const port = process.env.PORT'
  const files = [...FOLDERS.flatMap((folder) => [`${folder}/x.ts`, `${folder}/main.ts`]), ...ROOT_FILES, ...FREE]
  const free = ['server/main.ts', ...FREE]
  const cases = files.map((file) => ({ file, code, refused: !free.includes(file) }))
  t.same(await misjudgedLines(t, 'no-process-env', cases), [])
})

const EVERYWHERE = {
  'no-floating-promises': 'void 0; Promise.resolve(1)',
  'no-misused-promises': 'export const y = [1].forEach(async () => {})',
  'no-explicit-any': 'export let z: any',
}
for (const [rule, code] of Object.entries(EVERYWHERE)) {
  t.test(`${rule} everywhere`, async (t) => {
    const files = ['broker/x.ts', 'index.ts', 'test/x.ts']
    t.same(
      await misjudgedLines(
        t,
        rule,
        files.map((file) => ({ file, code, refused: true })),
      ),
      [],
    )
  })
}

t.test('non-null assertions in tests only', async (t) => {
  const code = 'export const w = (v?: number) => v!'
  const cases = ['store/x.ts', 'server/main.ts', 'test/x.ts'].map((file) => ({
    file,
    code,
    refused: file !== 'test/x.ts',
  }))
  t.same(await misjudgedLines(t, 'no-non-null-assertion', cases), [])
})
