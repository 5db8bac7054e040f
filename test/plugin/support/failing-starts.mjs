/** Starts that fail, each followed by one in the same place that must not; nothing here ends the process. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPush } from 'aedes-push'
import { ClassicLevel } from 'classic-level'

const [folder, redisUrl] = process.argv.slice(2)
const providers = [{ name: 'backend', key: 'provider-key-of-the-tests-0123456789' }]
const keysFile = join(folder, 'keys.json')
writeFileSync(keysFile, '{"version": 1, "keys": []}')

/** @param makeWrong gives options that cannot work, and `mend`, after which they would */
async function failing(name, makeWrong) {
  const dataDir = join(folder, name)
  const { mend = () => undefined, ...wrong } = await makeWrong(dataDir)
  const reason = await createPush({ dataDir, providers, ...wrong }).then(
    () => 'no error',
    (error) => error.detail ?? error.message,
  )
  await mend()
  const push = await createPush({ dataDir, providers })
  await push.issueToken({ app: 'chat', device: 'phone' })
  await push.close()
  console.log(JSON.stringify({ name, reason }))
}

await failing('keys', () => ({ keysFile }))
await failing('absent-keys', () => ({ keysFile: join(folder, 'nowhere.json') }))
await failing('providers', () => ({ providers: async () => Promise.reject(new Error('no providers today')) }))
await failing('wrong-providers', () => ({ providers: async () => [{ name: 'backend', key: 'short' }] }))
await failing('metrics', () => ({
  metricsText() {
    throw new Error('no metrics today')
  },
}))
await failing('in-use', async (dataDir) => {
  const other = await createPush({ dataDir, providers })
  return { mend: () => other.close() }
})
await failing('another-version', async (dataDir) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const push = await createPush({ dataDir, providers })
  await push.close()
  /** Gives what was there. */
  const put = async (value) => {
    const database = new ClassicLevel(join(dataDir, 'store'), { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    const [[key, before]] = await database.iterator({ limit: 1 }).all()
    await database.put(key, value)
    await database.close()
    return before
  }
  const own = await put(Buffer.from([99]))
  return { mend: () => put(own) }
})
await failing('redis-database', () => ({ redisUrl: `${redisUrl}/99` }))
await failing('redis-keys', () => ({ redisUrl, keysFile }))
await failing('redis-metrics', () => ({
  redisUrl,
  metricsText() {
    throw new Error('no metrics today')
  },
}))

// Redis alone: no file is touched.
const push = await createPush({ redisUrl, providers })
const { token } = await push.issueToken({ app: 'chat', device: 'phone', version: '1' })
await push.send({ to: { token }, payload: 'x' })
await push.close()
const again = await createPush({ redisUrl, providers })
const { rejected } = await again.send({ to: { token }, payload: 'x' })
await again.close()
console.log(JSON.stringify({ name: 'without-files', rejected, cwd: readdirSync('.'), data: existsSync('data') }))
