// Is an import that was killed on its way, and run again, the same as one that was not?
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { t } from '../support/tap.ts'
import { openLevelStore, type Store } from '../../store/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { deviceMark, tokenId } from '../../topics/index.ts'
import { MAIN, eventually, startRedis, temporaryFolder } from '../support/index.ts'
import { bareCommand } from '../support/programs.ts'
import { linesOf, runWith } from './support/move.ts'
import { snapshot } from './support/snapshot.ts'

const KEY = Buffer.alloc(32, 7)
const DEVICES = 50
const APP = 'weather'

/** Every device has five messages; of the tenth ones another account is current, of others the token is revoked. */
async function fill(store: Store): Promise<void> {
  const now = Date.now()
  const message = (id: string) => ({
    id,
    payload: Buffer.from(`${id} `.repeat(50)),
    retain: id.endsWith('3'),
    storedAt: now,
    expiresAt: now + 86_400_000,
  })
  const expiresAt = now + 365 * 86_400_000
  await Promise.all(
    Array.from({ length: DEVICES }, async (_, number) => {
      const device = `device-${number}`
      const place = { app: APP, deviceMark: deviceMark(APP, device), expiresAt }
      const id = tokenId(KEY, { app: APP, device, account: 'ann' })
      await store.registerToken({ ...place, tokenId: id })
      for (let count = 1; count <= 5; count += 1) {
        const { offset } = await store.append({ tokenId: id, message: message(`${number}-${count}`), dedupe: false })
        if (count <= number % 5) await store.commit([{ tokenId: id, private: offset }])
      }
      if (number % 10 === 0) {
        await store.registerToken({ ...place, tokenId: tokenId(KEY, { app: APP, device, account: 'bert' }) })
      }
      if (number % 7 === 0) await store.revokeToken(id)
      await store.appendBroadcast({
        app: APP,
        selector: { kind: 'all' },
        message: message(`b${number}`),
        dedupe: false,
      })
    }),
  )
}

await t.test('killed midway', async (t) => {
  const dataDir = temporaryFolder(t, 'data')
  const source = openLevelStore({ directory: join(dataDir, 'store') })
  await source.open()
  await fill(source)
  const wanted = await snapshot(source, ['1.0.0'])
  await source.close()
  const file = join(temporaryFolder(t, 'export'), 'export.jsonl')
  t.match(await runWith(t, 'export', file, { PUSH_DATA_DIR: dataDir }), { code: 0, errors: /55 tokens/ })
  const total = linesOf(file).length

  const redis = await startRedis(t)
  const settings = { PUSH_REDIS_URL: redis.url, PUSH_DATA_DIR: dataDir }
  for (const part of [0.3, 0.8]) {
    const killed = spawn('env', bareCommand(settings, process.execPath, [MAIN, 'import']), {
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const closed = new Promise((resolve) => void killed.once('close', resolve))
    killed.stdin.on('error', () => undefined)
    const before = Number(await redis.cli('dbsize'))
    // The input stays open in the middle of a line: the import waits for more when it is killed.
    createReadStream(file, { end: Math.floor(part * linesOf(file).join('\n').length) }).pipe(killed.stdin, {
      end: false,
    })
    await eventually('something new in Redis', async () => Number(await redis.cli('dbsize')) > before)
    killed.kill('SIGKILL')
    await closed
  }
  const target = openRedisStore({ url: redis.url })
  await target.open()
  t.teardown(() => target.close())
  t.notSame(await snapshot(target, ['1.0.0']), wanted, 'not all of it is there yet')

  const again = await runWith(t, 'import', file, settings)
  t.match(again, { code: 0, errors: /55 tokens/ }, `${total} lines`)
  t.same(await snapshot(target, ['1.0.0']), wanted)
  t.match(await runWith(t, 'import', file, settings), { code: 0, errors: /were there already/ })
  t.same(await snapshot(target, ['1.0.0']), wanted, 'once more changes nothing')
})
