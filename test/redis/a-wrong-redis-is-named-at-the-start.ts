// A Redis that cannot be used: does the start say what is wrong with the setting, at once where waiting cannot help, and no password?
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { t } from '../support/tap.ts'
import { connectClient, createClient } from '../../store/redis/connection.ts'
import { parseAddress } from '../../store/redis/address.ts'
import { redisFault } from '../../store/redis/fault.ts'
import { freePort, startRedis, temporaryFolder } from '../support/index.ts'
import { MAIN } from '../support/root.ts'
import { openRedisStore } from '../../store/redis/index.ts'

const SECRET = 'top%secret/'

await t.test('what waiting does not help', async (t) => {
  const redis = await startRedis(t, { config: { requirepass: SECRET } })
  const at = `127.0.0.1:${redis.port}`
  const refused: [string, RegExp][] = [
    [`redis://:${SECRET}x@${at}`, /WRONGPASS/],
    [`redis://nobody:${SECRET}@${at}`, /WRONGPASS/],
    [`redis://${at}`, /NOAUTH/],
    [`redis://:${SECRET}@${at}/99`, /no database of that number/],
    [`redis+cluster://:${SECRET}@${at}`, /no node of a Cluster/],
  ]
  for (const [url, text] of refused) {
    // Longer than the test may take.
    const error = await openRedisStore({ url, limits: { redisOpenMs: 600_000 } })
      .open()
      .catch((failure: unknown) => failure)
    t.match(error, { code: 'STORE_UNAVAILABLE', detail: text })
    t.match(String(error), at)
    t.notMatch(String(error), SECRET)
  }
  const client = createClient({ address: parseAddress(`redis://:${SECRET}@${at}`), deadlineMs: 2_000 })
  await connectClient(client, 10_000)
  client.disconnect()
})

await t.test('what another version wrote is left as it is', async (t) => {
  const redis = await startRedis(t)
  const open = () => openRedisStore({ url: redis.url }).open()
  const first = openRedisStore({ url: redis.url })
  await first.open()
  await first.close()
  const again = openRedisStore({ url: redis.url })
  await again.open()
  await again.close()
  await redis.cli('set', '{push:format}', '999')
  await t.rejects(open(), { code: 'STORE_UNAVAILABLE', detail: /written by another version/ })
})

await t.test('what may pass is waited for, and named', async (t) => {
  const plain = await startRedis(t)
  const nobody = await freePort()
  const waited: [string, RegExp][] = [
    [`redis://:${SECRET}@127.0.0.1:${nobody}`, /ECONNREFUSED/],
    [`redis://:${SECRET}@127.0.0.1:${nobody},redis://127.0.0.1:${nobody}`, /ECONNREFUSED/],
    [`redis+sentinel://:${SECRET}@127.0.0.1:${nobody}/main`, /ECONNREFUSED/],
    [`rediss://127.0.0.1:${plain.port}`, /TLS/],
  ]
  for (const [url, text] of waited) {
    const error = await openRedisStore({ url, limits: { redisOpenMs: 1_000, redisTimeoutMs: 300 } })
      .open()
      .catch((failure: unknown) => failure)
    t.match(error, { code: 'STORE_UNAVAILABLE', detail: text })
    t.notMatch(String(error), SECRET)
  }
  const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND redis.test'), { code: 'ENOTFOUND' })
  t.match(redisFault(unknown), { text: /ENOTFOUND/, kind: 'passing' })
  const own = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  t.match(redisFault(new Error('wrapped', { cause: own })), { text: /SELF_SIGNED/ })
})

await t.test('the server names the setting', async (t) => {
  const redis = await startRedis(t, { config: { requirepass: SECRET } })
  const start = async (url: string) => {
    const folder = temporaryFolder(t, 'wrong')
    const env = {
      PATH: process.env.PATH,
      PUSH_REDIS_URL: url,
      PUSH_DATA_DIR: folder,
      PUSH_MQTT_PORT: '0',
      PUSH_HTTP_PORT: '0',
    }
    const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (data: Buffer) => (said += data.toString()))
    const [code] = await once(child, 'close')
    t.match(said, /^aedes-push: PUSH_REDIS_URL \(--redis-url\): .+\n$/, 'one sentence')
    t.notMatch(said, /topsecret|URI malformed/)
    return { code, said }
  }
  const port = `127.0.0.1:${redis.port}`
  t.match(await start(`redis://:topsecret@${port}`), { code: 2, said: /WRONGPASS/ })
  t.match(await start('redis://:topsecret,@:x'), {
    code: 2,
    said: /is not allowed; it must be one or more .*redis:\/\/ .+%2C/,
  })
})
