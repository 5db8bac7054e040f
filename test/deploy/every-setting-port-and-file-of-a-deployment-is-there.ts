// Do the image, Compose, systemd and Kubernetes name settings, ports and files that there are?
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { SETTINGS } from '../../server/settings.ts'
import { ROOT } from '../support/index.ts'
import { checkSettings, compose, deployed, document, dockerfile, interpolated, read, unit } from './support/files.ts'
import { deployment, kind, services } from './support/manifests.ts'

const UNIT = 'deploy/systemd/aedes-push.service'
const PORTS = [SETTINGS.PUSH_MQTT_PORT.default, SETTINGS.PUSH_HTTP_PORT.default]

t.test('every name of a setting', async (t) => {
  for (const file of [...deployed(), 'docs/deploy.md', '.github/workflows/ci.yml'])
    for (const [name] of read(file).matchAll(/\bPUSH_[A-Z_]+\b/g))
      t.ok(Object.hasOwn(SETTINGS, name), `${name} of ${file}`)
})

t.test('the image', async (t) => {
  const { steps, environment, exposed } = dockerfile()
  t.match(checkSettings(environment), { PUSH_HOST: '0.0.0.0', PUSH_DATA_DIR: '/data' })
  t.same(exposed, PORTS)
  for (const { instruction, text } of steps) {
    if (instruction === 'FROM') t.match(text, /^node:\d+\.\d+\.\d+-\S+( AS \w+)?$/, 'a version that stays what it is')
    if (instruction !== 'COPY' || text.startsWith('--from')) continue
    for (const file of text.split(' ').slice(0, -1)) t.ok(existsSync(join(ROOT, file)), `${file} is there to be copied`)
  }
  const last = steps.map(({ instruction }) => instruction).lastIndexOf('FROM')
  const final = steps.slice(last).map(({ instruction, text }) => `${instruction} ${text}`)
  t.ok(final.includes('USER node'))
  t.ok(final.includes('VOLUME /data'))
  t.ok(final.some((step) => step.startsWith('HEALTHCHECK')))
})

t.test('what the image is built from is let in, and nothing else', async (t) => {
  const [first, ...others] = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  t.equal(first, '*')
  const let_in = others.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  for (const name of let_in) {
    const pattern = new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '.*')}$`)
    t.ok(existsSync(join(ROOT, name)) || readdirSync(ROOT).some((each) => pattern.test(each)), `${name} is there`)
  }
  const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')) as { include: string[] }
  for (const name of [...include, 'console', 'scripts', 'package-lock.json']) t.ok(let_in.includes(name), name)
})

t.test('Compose', async (t) => {
  const { services: all, volumes } = compose()
  const nodes = Object.values(all).filter(({ build }) => build !== undefined)
  t.equal(nodes.length, 2)
  for (const { environment = {}, stop_grace_period: grace = '' } of nodes) {
    const config = checkSettings({ ...dockerfile().environment, ...interpolated(environment) })
    t.ok(new URL(config.PUSH_REDIS_URL!).hostname in all, 'its Redis is one of them')
    t.ok(Number.parseInt(grace, 10) > 8, 'it has time to end')
  }
  for (const [name, service] of Object.entries(all)) {
    if (service.build === undefined) t.match(service.image, /:v?\d+\.\d+\.\d+/, `${name} has a version`)
    for (const mapping of service.ports ?? []) {
      t.match(mapping, /^127\.0\.0\.1:\d+:\d+$/, 'for this machine alone')
      if (service.build !== undefined) t.ok(PORTS.includes(Number(mapping.split(':')[2])), mapping)
    }
    for (const [source = ''] of (service.volumes ?? []).map((each) => each.split(':')))
      t.ok(source.startsWith('./') ? existsSync(join(ROOT, source)) : source in volumes, `${source} is there`)
  }
  const { scrape_configs: jobs } = document<{
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[]
  }>('deploy/prometheus/prometheus.yaml')
  const [node] = nodes
  for (const target of jobs.flatMap((job) => job.static_configs.flatMap(({ targets }) => targets))) {
    const [host = '', port] = target.split(':')
    t.ok(all[host]?.build !== undefined, `${host} is a node`)
    t.equal(Number(port), SETTINGS.PUSH_HTTP_PORT.default)
    t.ok(node?.environment?.PUSH_ALLOWED_HOSTS?.split(',').includes(host), 'it may be asked by that name')
  }
})

t.test('systemd', async (t) => {
  const service = unit(UNIT).get('Service')
  const pairs = service?.get('Environment')?.flatMap((line) => line.split(' ').map((pair) => pair.split('='))) ?? []
  const config = checkSettings(Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value])))
  t.equal(config.PUSH_DATA_DIR, `/var/lib/${service?.get('StateDirectory')?.[0]}`)
})

t.test('Kubernetes', async (t) => {
  const [container] = deployment().spec.template.spec.containers
  t.same(
    container?.ports.map(({ containerPort }) => containerPort),
    PORTS,
  )
  const names = container?.ports.map(({ name }) => name) ?? []
  for (const { spec } of services())
    for (const { targetPort } of spec.ports) t.ok(names.includes(targetPort), targetPort)
  const own = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]))
  checkSettings({ ...dockerfile().environment, ...own })
  const { stringData: secret = {} } = kind<{ stringData?: Record<string, string> }>(
    'deploy/kubernetes/secret.example.yaml',
    'Secret',
  )
  t.throws(() => checkSettings(secret), /PUSH_PROVIDER_KEY/, 'the key of the example is refused')
  t.match(checkSettings({ ...secret, PUSH_PROVIDER_KEY: 'k'.repeat(32) }), { PUSH_REDIS_URL: /^redis:/ })
})
