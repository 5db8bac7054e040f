/**
 * `npm run check:package`: is what npm would publish whole? Packs it, has publint and attw judge the tarball, looks for
 * the files that the compiler does not make, then installs it in an empty project and imports it there.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fail, npm, prepare, root, run } from './prepare.mjs'
import { sourceFiles } from './build-stamp.mjs'

prepare()
const folder = mkdtempSync(join(tmpdir(), 'aedes-push-package-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

npm(['pack', '--silent', '--pack-destination', folder])
const tarball = join(
  folder,
  readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? fail('npm pack made no tarball'),
)

const listed = spawnSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).stdout.split('\n')
const built = (file) => `package/dist/${file}`
const wanted = [
  'package/README.md',
  'package/CHANGELOG.md',
  'package/LICENSE',
  built('index.js'),
  built('server/main.js'),
]
for (const file of [
  ...wanted,
  ...sourceFiles(root)
    .filter((name) => name.endsWith('.lua'))
    .map(built),
]) {
  if (!listed.includes(file)) fail(`the package lacks ${file}`)
}
const foreign = listed.find((file) => /^package\/dist\/(test|bench|scripts)\/|\.stamp$|\.tsbuildinfo$/.test(file))
if (foreign !== undefined) fail(`the package holds ${foreign}, which is no part of it`)

const bin = (name) => join(root, 'node_modules', '.bin', name)
run(bin('publint'), ['run', tarball, '--strict'])
run(bin('attw'), [tarball, '--profile', 'esm-only'])

const project = mkdtempSync(join(folder, 'project-'))
writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
npm(['install', tarball, '--no-audit', '--no-fund', '--prefer-offline'], { cwd: project })
writeFileSync(
  join(project, 'use.mjs'),
  "import * as push from 'aedes-push'\nif (typeof push.createPush !== 'function') throw new Error('no createPush')\n",
)
run(process.execPath, ['use.mjs'], { cwd: project })
await startsAndStops(join(project, 'node_modules', '.bin', 'aedes-push'))
console.error('aedes-push: the package is whole')

/** The installed command says ready, and ends in order. */
async function startsAndStops(command) {
  const server = spawn(command, ['--mqtt-port', '0', '--http-port', '0'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 2],
  })
  const exit = once(server, 'exit')
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.startsWith('ready ')) server.kill('SIGTERM')
  }
  const [code] = await exit
  if (code !== 0) fail(`the installed command ended with ${code}`)
}
