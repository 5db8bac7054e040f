// Is every metric of the alerts and the board in the real /metrics of either engine, with its labels, and does promtool agree?
import { spawnSync } from 'node:child_process'
import { t } from '../support/tap.ts'
import { eventually, metric, request, send, issueToken, type ServerProcess, startRedis } from '../support/index.ts'
import { authority, filesInUse } from '../tls/support/certificates.ts'
import { startTls } from '../tls/support/server.ts'
import { MAY_CALL } from '../wire/webhooks/support/receiver.ts'
import { askedBy, board, Page, rules } from './support/queries.ts'
import { workOfEveryKind } from './support/work.ts'

const SETTINGS = { ...MAY_CALL, PUSH_SWEEP: '1', PUSH_MAX_PENDING_MESSAGES: '2' }
/** It counts the processes that do not answer, so that it is there where there are several. */
const OF_WORKERS = 'push_workers_unanswered'
/** Nothing that a client can do is such an error, and this label has no value before one. */
const NEVER_SEEN = ['push_unexpected_errors_total']

const asked = [
  ...rules().map(({ alert, expr }) => ({ where: alert, expr })),
  ...board().panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, expr }))),
].flatMap(({ where, expr }) => askedBy(expr).map((each) => ({ where, ...each })))

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
const signer = authority(t)
const texts: string[] = []

const metricsOf = async (server: ServerProcess) => (await request(server, 'GET', '/metrics', { bearer: null })).text

t.test('the embedded engine', async (t) => {
  const { inUse } = filesInUse(t, signer.issue('embedded'))
  const server = await startTls(t, inUse, SETTINGS)
  await workOfEveryKind(t, server, inUse)
  texts.push(await metricsOf(server))
  const { names } = new Page(texts.at(-1)!)
  for (const { metric: name, where } of asked) if (name !== OF_WORKERS) t.ok(names.has(name), `${name} of ${where}`)
})

t.test('several processes on Redis, which then goes away', async (t) => {
  const { inUse } = filesInUse(t, signer.issue('redis'))
  const redis = await startRedis(t)
  const server = await startTls(t, inUse, { ...SETTINGS, PUSH_REDIS_URL: redis.url }, ['--workers', '2'])
  await workOfEveryKind(t, server, inUse)
  const { token } = await issueToken(server, { app: 'shop', device: 'unlucky' })
  await redis.kill()
  await t.rejects(send(server, { token }, 'nobody takes it'))
  await eventually('a refusal', () => metric(server, 'push_rejected_total', 'code="STORE_UNAVAILABLE"'))
  texts.push(await metricsOf(server))
  const { names } = new Page(texts.at(-1)!)
  for (const { metric: name, where } of asked) t.ok(names.has(name), `${name} of ${where}`)
})

t.test('labels, and the values that are asked for', async (t) => {
  const page = new Page(texts.join('\n'))
  for (const { metric: name, labels, values, where } of asked) {
    if (NEVER_SEEN.includes(name)) continue
    for (const label of labels) t.ok(page.hasLabel(name, label), `${label} of ${name} in ${where}`)
    for (const [label, value] of values)
      t.ok(page.hasLabel(name, label, value), `${name}{${label}="${value}"} in ${where}`)
  }
})

t.test(
  'promtool has nothing to say of them',
  { skip: hasPromtool ? false : 'promtool is not installed' },
  async (t) => {
    for (const input of texts) {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })
      t.same([status, stdout, stderr], [0, '', ''])
    }
  },
)
