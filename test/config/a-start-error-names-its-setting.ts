// Does a start that fails say in one line what is wrong, and with which setting?
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { type Scope, freePort, temporaryFolder } from '../support/index.ts'
import { runMain } from './support/main.ts'

async function taken(t: Scope): Promise<string> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return String((server.address() as AddressInfo).port)
}

await t.test('ports and addresses', async (t) => {
  const port = await taken(t)
  for (const [env, code, says] of [
    [{ PUSH_MQTT_PORT: port }, 1, new RegExp(`PUSH_MQTT_PORT \\(--mqtt-port\\): port ${port} of 127.0.0.1 is in use`)],
    [{ PUSH_HTTP_PORT: port }, 1, new RegExp(`PUSH_HTTP_PORT \\(--http-port\\): port ${port} .*in use`)],
    [{ PUSH_HOST: 'nowhere.invalid' }, 2, /PUSH_HOST \(--host\): "nowhere.invalid"/],
    [{ PUSH_HOST: '192.0.2.1' }, 1, /PUSH_HOST \(--host\): 192.0.2.1 is no address of this machine/],
  ] as [Record<string, string>, number, RegExp][]) {
    const ended = await runMain(t, [], {
      PUSH_DATA_DIR: temporaryFolder(t, 'data'),
      PUSH_MQTT_PORT: '0',
      PUSH_HTTP_PORT: '0',
      PUSH_LOG_LEVEL: 'fatal',
      ...env,
    })
    t.equal(ended.code, code)
    t.match(ended.errors, says)
    t.equal(ended.errors.split('\n').length, 1)
  }
})

await t.test('the store', async (t) => {
  const file = join(temporaryFolder(t), 'a-file')
  writeFileSync(file, '')
  for (const [env, says] of [
    [{ PUSH_REDIS_URL: `redis://127.0.0.1:${await freePort()}` }, /^aedes-push: PUSH_REDIS_URL \(--redis-url\): /],
    [{ PUSH_DATA_DIR: file }, /^aedes-push: PUSH_DATA_DIR \(--data-dir\): /],
  ] as [Record<string, string>, RegExp][]) {
    const ended = await runMain(t, ['--mqtt-port', '0', '--http-port', '0'], {
      PUSH_DATA_DIR: temporaryFolder(t, 'data'),
      PUSH_LOG_LEVEL: 'fatal',
      ...env,
    })
    t.equal(ended.code, 1)
    t.match(ended.errors, says)
    t.notMatch(ended.errors, /Retry-After/)
  }
})
