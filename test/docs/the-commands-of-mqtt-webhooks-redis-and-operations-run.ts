// Does every command of docs/mqtt.md, webhooks.md, redis.md and operations.md run as it stands there?
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import {
  freePort,
  issueToken,
  MAIN,
  request,
  ROOT,
  runProgram,
  type Scope,
  startProgram,
  startRedis,
  startServer,
  temporaryFolder,
} from '../support/index.ts'
import { authority } from '../tls/support/certificates.ts'

function blocksOf(page: string): string[] {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8')
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
}

/** As a shell has the command after `npm install --global`. */
const COMMAND = `aedes-push() { "${process.execPath}" "${MAIN}" "$@"; }\n`

function inShell(t: Scope, commands: string, cwd: string, env: Record<string, string> = {}): Promise<string> {
  return runProgram(t, 'bash', ['-euc', `${COMMAND}${commands}`], { cwd, env })
}

/** A server that goes on until it is stopped; resolves with its ready line. */
async function untilReady(t: Scope, commands: string, env: Record<string, string>): Promise<string> {
  const folder = temporaryFolder(t, 'start')
  const shell = startProgram(t, 'bash', ['-euc', `${COMMAND}${commands}`], { cwd: folder, env, ownGroup: true })
  const line = await shell.stdout.nextWhere((each) => each.startsWith('ready '))
  await shell.killGroup('SIGTERM')
  return line
}

await t.test('mqtt.md', async (t) => {
  const server = await startServer(t)
  const { token, topics } = await issueToken(server, { app: 'news', device: 'phone-1', version: '2.1.0' })
  const [subscribe = '', publish = '', ...rest] = blocksOf('mqtt.md')
  t.same(rest, [], 'there are as many as are run here')
  const env = { KEY: server.providerKey, TOKEN: token, TOPIC: topics.private }
  const here = (commands: string) => commands.replaceAll('-p 1883', `-p ${server.mqttPort}`)
  const device = startProgram(t, 'bash', ['-euc', `exec ${here(subscribe)}`], { env })
  await inShell(t, here(publish), server.dataDir, env)
  t.equal(await device.stdout.next(), `${topics.private} Your order is on its way`)
  await device.kill('SIGTERM')
})

await t.test('webhooks.md', async (t) => {
  const server = await startServer(t)
  const [create = '', ...rest] = blocksOf('webhooks.md')
  t.same(rest, [], 'there are as many as are run here')
  const env = { KEY: server.providerKey, URL: `http://127.0.0.1:${server.httpPort}` }
  t.match(JSON.parse(await inShell(t, create, server.dataDir, env)), { id: String, secret: /^whsec_/ })
})

await t.test('redis.md', async (t) => {
  const redis = await startRedis(t)
  const [start = '', ...rest] = blocksOf('redis.md')
  t.same(rest, [], 'there are as many as are run here')
  const commands = start.replace('redis://localhost:6379', redis.url)
  t.not(commands, start)
  t.match(await untilReady(t, commands, { PUSH_MQTT_PORT: '0', PUSH_HTTP_PORT: '0' }), /mqtt=\d+ http=\d+/)
})

await t.test('operations.md', async (t) => {
  const [keys = '', signingKeys = '', tls = '', move = '', ...rest] = blocksOf('operations.md')
  t.same(rest, [], 'there are as many as are run here')
  const server = await startServer(t)
  const env = { PUSH_DATA_DIR: server.dataDir, PUSH_HTTP_PORT: String(server.httpPort) }
  const run = (commands: string) => inShell(t, commands, server.dataDir, env)

  const [create = '', ...withKey] = keys.trim().split('\n')
  const { id } = JSON.parse(await run(`${create} --json`))
  for (const command of withKey) await run(command.replace('4fZk0pWq81Lx', id))
  t.equal((await request(server, 'GET', `/v1/keys/${id}`)).status, 404, 'all of them ran')

  const [list = '', rotate = '', retire = '', ...others] = signingKeys.trim().split('\n')
  t.same(others, [])
  const [{ kid }] = JSON.parse(await run(`${list} --json`))
  await run(`${list}\n${rotate} --now\n${retire.replace('Y3fP0a9sKx2Q', kid)}`)

  const { cert, key } = authority(t).issue('server')
  const [mqtts, https] = [await freePort(), await freePort()]
  const secure = tls
    .replace('8883', String(mqtts))
    .replace('8443', String(https))
    .replace('/etc/push/fullchain.pem', cert)
    .replace('/etc/push/privkey.pem', key)
  t.match(await untilReady(t, secure, {}), new RegExp(`mqtts=${mqtts} https=${https}`))

  const { tokenId } = await issueToken(server, { app: 'chat', device: 'moves' })
  await server.stop()
  const redis = await startRedis(t)
  const folder = temporaryFolder(t, 'move')
  renameSync(server.dataDir, join(folder, 'data'))
  await inShell(t, move.replace('redis://10.0.0.5', redis.url), folder)
  const moved = await startServer(t, {
    settings: { PUSH_REDIS_URL: redis.url, PUSH_PROVIDER_KEY: 'a-key-of-this-test' },
  })
  t.equal((await request(moved, 'GET', `/v1/tokens/${tokenId}`)).status, 200, 'what was there is there')
})
