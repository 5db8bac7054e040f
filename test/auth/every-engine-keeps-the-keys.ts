// Do the keys live in each place that is made for them, so that a restart, another node and another algorithm agree?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { fileSecrets, type Secrets } from '../../auth/index.ts'
import { openLevelStore, type Store } from '../../store/index.ts'
import { openRedisStore } from '../../store/redis/index.ts'
import { startRedis, temporaryFolder } from '../support/index.ts'
import { GRANT, testAuth } from './support/auth.ts'

/** Every call of `open` is another process on the same data. */
async function agree(t: Test, open: () => Promise<Secrets>): Promise<void> {
  const first = await testAuth({ secrets: await open() })
  const { token, tokenId } = first.issue(GRANT)
  const second = await testAuth({ secrets: await open(), algorithm: 'EdDSA' })
  t.equal(second.verify(token).tokenId, tokenId)
  t.equal(second.tokenIdOf(GRANT), tokenId)
  const third = await testAuth({ secrets: await open() })
  t.equal(third.verify(second.issue(GRANT).token).tokenId, tokenId)
}

await t.test('files', async (t) => {
  const directory = temporaryFolder(t)
  await agree(t, async () => fileSecrets(directory))
})

await t.test('the embedded engine, one process after the other', async (t) => {
  const directory = temporaryFolder(t)
  let current: Store | undefined
  t.teardown(() => current?.close())
  await agree(t, async () => {
    await current?.close()
    current = openLevelStore({ directory })
    await current.open()
    return current
  })
})

await t.test('Redis, several nodes at once', async (t) => {
  const redis = await startRedis(t)
  await agree(t, async () => {
    const store = openRedisStore({ url: redis.url })
    t.teardown(() => store.close())
    await store.open()
    return store
  })
})
