// Is each command of docs/deploy.md run here, or held against the files that it is about, as far as it goes without a container engine?
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { t } from '../support/tap.ts'
import { SETTINGS } from '../../server/settings.ts'
import { openShell } from '../cli/support/shell.ts'
import { ROOT, startServer, temporaryFolder } from '../support/index.ts'
import { deployment, kind, MANIFESTS, services } from './support/manifests.ts'
import { read } from './support/files.ts'

const PAGE = read('docs/deploy.md')
const UNIT = read('deploy/systemd/aedes-push.service')
const WORKFLOW = read('.github/workflows/ci.yml')

/** Of all blocks, each in one line; beside them what tables and sentences have. */
const commands = [
  ...[...PAGE.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n')),
  ...[...PAGE.matchAll(/`((?:sudo |docker |kubectl |systemctl |journalctl )[^`]+)`/g)].map(([, line = '']) => line),
]
  .map((line) =>
    line
      .replace(/ +#.*$/, '')
      .replace(/\s+/g, ' ')
      .trim(),
  )
  .filter((line) => line !== '')
const found = (pattern: RegExp) => commands.filter((line) => pattern.test(line))
const tried = new Set<string>()
const take = (pattern: RegExp) => {
  const lines = found(pattern)
  for (const line of lines) tried.add(line)
  return lines
}

t.test('what runs in a container', async (t) => {
  t.match(PAGE, /GitHub workflow/, 'the page says who runs the image')
  for (const what of ['docker build', 'docker run', 'docker compose up', 'docker compose down', 'docker stop'])
    t.match(WORKFLOW, what)
  const server = await startServer(t)
  const shell = openShell(t, { PUSH_DATA_DIR: server.dataDir, PUSH_HTTP_PORT: String(server.httpPort) })
  const image = read('Dockerfile')
  const names = new Set(Object.keys(parse(read('compose.yaml')).services))
  const lines = take(/^docker /)
  t.ok(lines.length >= 6, `${lines.length} commands`)
  for (const line of lines) {
    const [, exec] = /^docker exec push (aedes-push .*)$/.exec(line) ?? []
    const [, more] = /^docker run .*--rm (aedes-push .*)$/.exec(line) ?? []
    const inside = exec ?? more
    if (exec !== undefined) t.match(image, /\/usr\/local\/bin\/aedes-push/, 'the command is on the path')
    if (inside !== undefined) t.match(await shell.run(inside), { code: 0 }, line)
    for (const [, port = ''] of line.matchAll(/--publish \d+:(\d+)/g))
      t.match(image, new RegExp(`^EXPOSE .*\\b${port}\\b`, 'm'))
    for (const [, path = ''] of line.matchAll(/(?:--volume \S+:|cat )(\/data)\b/g)) t.match(image, `VOLUME ${path}`)
    for (const [, name = ''] of line.matchAll(/compose exec (\S+)/g)) t.ok(names.has(name), name)
  }
})

const isRoot = process.getuid?.() === 0
t.test('systemd', async (t) => {
  const folder = temporaryFolder(t, 'root')
  mkdirSync(join(folder, 'etc', 'systemd', 'system'), { recursive: true })
  for (const name of ['passwd', 'group', 'shadow', 'gshadow']) writeFileSync(join(folder, 'etc', name), '')
  const run = (line: string) => spawnSync('bash', ['-c', line], { cwd: ROOT, encoding: 'utf8' })
  for (const line of take(/^sudo (useradd|install|cp) |\| sudo tee /)) {
    const own = line.replaceAll('sudo ', '').replaceAll(/ (\/etc\/)/g, ` ${folder}$1`)
    const here = own.startsWith('useradd ') ? own.replace('useradd', `useradd --prefix ${folder}`) : own
    if (here.startsWith('useradd ') && (!isRoot || spawnSync('useradd', ['--help']).status !== 0))
      t.pass(`not run: ${here}`)
    else t.match(run(here), { status: 0 }, here)
  }
  const environment = join(folder, 'etc', 'aedes-push', 'environment')
  t.equal(statSync(environment).mode & 0o777, 0o600)
  const [, name = ''] = /^(\w+)=/.exec(readFileSync(environment, 'utf8')) ?? []
  t.ok(Object.hasOwn(SETTINGS, name), name)
  t.match(UNIT, 'EnvironmentFile=-/etc/aedes-push/environment')
  t.ok(existsSync(join(folder, 'etc', 'systemd', 'system', 'aedes-push.service')))
  for (const line of take(/^(sudo )?systemctl |^journalctl /)) {
    t.match(
      line,
      /^(sudo )?(systemctl (daemon-reload|(enable --now|stop|restart|reload) aedes-push)|journalctl -u aedes-push -o cat)$/,
    )
    if (line.includes(' reload ')) t.match(UNIT, /^ExecReload=/m)
  }
  // `npm run check:package` packs and installs it; here, that it is found where it is put.
  t.equal(take(/^npm pack$/).length, 1)
  const { version } = JSON.parse(read('package.json'))
  for (const line of take(/^sudo npm install /)) {
    const [, prefix = ''] = /--prefix (\S+)/.exec(line) ?? []
    t.match(UNIT, `${prefix}/node_modules/`)
    t.match(line, `./aedes-push-${version}.tgz`)
  }
  const state = /^StateDirectory=(\S+)$/m.exec(UNIT)?.[1]
  t.same(
    take(/provider\.key$/).filter((line) => !line.startsWith('docker')),
    [`sudo cat /var/lib/${state}/provider.key`],
  )
  for (const line of take(/^sudo -u aedes-push /)) {
    t.match(line, `PUSH_DATA_DIR=/var/lib/${state} /opt/aedes-push/node_modules/.bin/aedes-push export`)
    t.match(UNIT, /^User=aedes-push$/m)
  }
})

t.test('Kubernetes', async (t) => {
  const name = deployment().metadata.name
  const secret = kind('deploy/kubernetes/secret.example.yaml', 'Secret')
  for (const line of take(/^kubectl /)) {
    const [, verb, ...rest] = line.split(' ')
    if (verb === 'create') {
      t.match(line, `secret generic ${secret.metadata.name} `)
      for (const [, setting = ''] of line.matchAll(/--from-literal=(\w+)=/g))
        t.ok(Object.hasOwn(SETTINGS, setting), setting)
    } else if (verb === 'apply') t.same(rest, ['--filename', MANIFESTS])
    else if (verb === 'rollout') t.same(rest, ['status', `deployment/${name}`])
    else if (verb === 'scale') t.equal(rest[0], `deployment/${name}`)
    else if (verb === 'port-forward') {
      const service = services().find((each) => `service/${each.metadata.name}` === rest[0])
      t.ok(
        service?.spec.ports.some(({ port }) => String(port) === rest[1]?.split(':')[1]),
        line,
      )
    } else t.fail(line)
  }
})

t.test('none is left out', async (t) => {
  t.same(
    commands.filter((line) => !tried.has(line)),
    [],
  )
})
