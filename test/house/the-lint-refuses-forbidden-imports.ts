// Do the lint rules refuse every import that the layout forbids, and let the allowed ones through?
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startProgram, temporaryFolder } from '../support/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const FOLDERS = ['topics', 'auth', 'store', 'broker', 'bridge', 'mosquitto-compat'] as const
type Folder = (typeof FOLDERS)[number]

const MAY_IMPORT: Record<Folder, readonly Folder[]> = {
  topics: [],
  auth: ['topics'],
  store: ['topics'],
  broker: ['auth', 'store', 'topics'],
  bridge: ['auth', 'store', 'topics'],
  'mosquitto-compat': ['topics'],
}

/** Where the parts of Aedes that keep other MQTT state are chosen. */
const PERSISTENCES = ['broker/aedes/persistence.ts', 'broker/aedes/redis-persistence.ts']

/** Packages that only some may import: whole folders, or single files. */
const ONLY: Record<string, readonly string[]> = {
  aedes: ['index.ts', 'command.ts', 'broker/'],
  'aedes/lib/client.js': ['index.ts', 'command.ts', 'broker/'],
  'aedes-persistence-level': PERSISTENCES,
  'aedes-persistence-redis': PERSISTENCES,
  'mqemitter-redis': [...PERSISTENCES, 'broker/aedes/redis-emitter.ts', 'store/'],
  'classic-level': [...PERSISTENCES, 'store/'],
  ioredis: [...PERSISTENCES, 'store/'],
  'fast-jwt': ['auth/'],
  mqtt: ['bridge/'],
  'node:process': ['main.ts', 'command.ts'],
}

/** One line of a file, and whether the rule must refuse it. */
interface Case {
  readonly file: string
  readonly code: string
  readonly refused: boolean
}

const FREE = ['test/deep/x.ts', 'bench/x.ts', 'docs/x.ts']
const ROOT_FILES = ['index.ts', 'main.ts', 'command.ts']

function isAllowed(file: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? file.startsWith(place) : file === place))
}

function importOf(specifier: string, kind = 'import'): string {
  return `${kind} { x as NAME } from '${specifier}'`
}

/** Every folder against every other one, from its top and from deeper down. */
function arrowCases(): Case[] {
  const places = FOLDERS.flatMap((folder) => [
    { folder, file: `${folder}/x.ts`, up: '../' },
    { folder, file: `${folder}/deep/x.ts`, up: '../../' },
    // Names that the root has rules of its own for.
    { folder, file: `${folder}/index.ts`, up: '../' },
  ])
  return places.flatMap(({ folder, file, up }) => {
    const others = FOLDERS.filter((other) => other !== folder).flatMap((other) => {
      const refused = !MAY_IMPORT[folder].includes(other)
      return [
        { file, code: importOf(`${up}${other}/y.ts`), refused },
        { file, code: importOf(`${up}${other}/deep/y.ts`, 'import type'), refused },
        { file, code: importOf(`${up}${other}/index.ts`, 'export'), refused },
        { file, code: `export const NAME = () => import('${up}${other}/z.ts')`, refused },
      ]
    })
    const shared = ['errors.ts', 'metrics.ts'].map((name) => ({
      file,
      code: importOf(`${up}${name}`),
      refused: folder === 'topics',
    }))
    return [...others, ...shared]
  })
}

function packageCases(): Case[] {
  const places = FOLDERS.flatMap((folder) => [`${folder}/x.ts`, `${folder}/deep/x.ts`, `${folder}/main.ts`])
  const files = [...places, ...PERSISTENCES, ...ROOT_FILES, ...FREE]
  return Object.entries(ONLY).flatMap(([name, allowed]) =>
    files.map((file) => ({ file, code: importOf(name), refused: !isAllowed(file, [...allowed, ...FREE]) })),
  )
}

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
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  const options = { module: 'nodenext', target: 'es2023', strict: true, types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))

  const bin = join(root, 'node_modules', '.bin')
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
async function misjudged(t: Test, rule: string, cases: readonly Case[]): Promise<Case[]> {
  const broken = await lint(t, cases)
  return cases.filter((one, index) => broken[index]!.some((code) => code.includes(`(${rule})`)) !== one.refused)
}

t.test('the arrows between the folders', async (t) => {
  t.same(await misjudged(t, 'no-restricted-imports', arrowCases()), [])
})

t.test('the packages that only one folder may use', async (t) => {
  t.same(await misjudged(t, 'no-restricted-imports', packageCases()), [])
})

t.test('the environment is read in the composition root only', async (t) => {
  const code = 'export const port = process.env.PORT'
  const files = [...FOLDERS.flatMap((folder) => [`${folder}/x.ts`, `${folder}/main.ts`]), ...ROOT_FILES, ...FREE]
  const free = ['main.ts', ...FREE]
  const cases = files.map((file) => ({ file, code, refused: !free.includes(file) }))
  t.same(await misjudged(t, 'no-process-env', cases), [])
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
      await misjudged(
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
  const cases = ['store/x.ts', 'main.ts', 'test/x.ts'].map((file) => ({ file, code, refused: file !== 'test/x.ts' }))
  t.same(await misjudged(t, 'no-non-null-assertion', cases), [])
})

t.test('circles of imports', async (t) => {
  const cases = [
    { file: 'store/a.ts', code: "export { b } from './b.ts'", refused: true },
    { file: 'store/b.ts', code: "export { a as b } from './a.ts'", refused: true },
    { file: 'store/c.ts', code: "export { b } from './b.ts'", refused: false },
  ]
  t.same(await misjudged(t, 'no-cycle', cases), [])
})
