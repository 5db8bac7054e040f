// Redis loses the signing keys, or what became of them: do nodes write them again, and say it where they cannot?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { openAuth, type Auth } from '../../auth/index.ts'
import { encodeSigningKey } from '../../auth/index.ts'
import { SigningKeys, SIGNING_TABLE } from '../../bridge/index.ts'
import type { Store } from '../../store/contract.ts'
import { eventually, type Redis, startRedis } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'

const GRANT = { app: 'shop', device: 'phone', account: 'ann', ttl: 3_600, generation: 1 }

interface Node {
  readonly auth: Auth
  readonly signing: SigningKeys
  readonly errors: string[]
}

async function nodeOn(t: Test, store: Store): Promise<Node> {
  const errors: string[] = []
  const logger = {
    debug: () => undefined,
    warn: () => undefined,
    error: (_fields: unknown, text?: string) => void errors.push(text ?? ''),
  }
  const monotonic = () => performance.now()
  const signing = await SigningKeys.open({
    store,
    secrets: store,
    algorithm: 'ES256',
    logger,
    now: Date.now,
    monotonic,
  })
  t.teardown(() => signing.close())
  return { auth: await openAuth({ secrets: store, providers: [], ring: signing.ring }), signing, errors }
}

const stored = async (store: Store) => (await store.readRows(SIGNING_TABLE, '', 100)).map(({ key }) => key)

async function emptied(t: Test, url: string, servers: readonly Redis[]): Promise<void> {
  const store = await redisStore(t, { url, limits: { redisProbeMs: 100 } })
  const { auth, signing, errors } = await nodeOn(t, store)
  const old = auth.issue(GRANT).token
  const { kid: leaked } = auth.verify(old)
  const { kid: current } = await signing.rotate({ now: true })
  await signing.retire(leaked)
  const token = auth.issue(GRANT).token
  for (const server of servers) await server.cli('flushall')
  // One that starts while there is nothing yet makes a key of its own, which all take.
  const later = await nodeOn(t, await redisStore(t, { url }))
  await eventually('all are there again', async () => {
    const kids = await stored(store)
    return [leaked, current].every((kid) => kids.includes(kid))
  })
  t.ok(errors.some((line) => line.startsWith('the store lost a signing key')))
  await eventually('the other node has them', () => later.auth.verify(token).account === 'ann')
  t.throws(() => later.auth.verify(old), { code: 'TOKEN_INVALID' }, 'what was retired is retired')
  const fresh = later.auth.issue(GRANT).token
  await eventually('each knows those of the other', () => auth.verify(fresh).account === 'ann')
}

await onServerAndCluster(t, emptied)

await t.test('a failover to a replica that did not know of a retirement', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const { auth, signing } = await nodeOn(t, store)
  const { kid } = auth.verify(auth.issue(GRANT).token)
  const before = await store.readRow(SIGNING_TABLE, kid)
  await signing.rotate({ now: true })
  await signing.retire(kid)
  await store.writeRow({ table: SIGNING_TABLE, key: kid, value: before?.value ?? Buffer.alloc(0) })
  const isRetired = async () => {
    const { value } = (await store.readRow(SIGNING_TABLE, kid)) ?? {}
    return Buffer.from(value ?? []).includes('retiredAt')
  }
  t.notOk(await isRetired())
  await eventually('it is written again', isRetired)
  t.equal(auth.signingKeys().find((key) => key.kid === kid)?.state, 'retired')
})

await t.test('another key in the place of one that is known', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const { auth, signing, errors } = await nodeOn(t, store)
  const token = auth.issue(GRANT).token
  const { kid } = auth.verify(token)
  const { kid: second } = await signing.rotate({})
  const other = signing.ring.find(second)
  const row = await store.readRow(SIGNING_TABLE, kid)
  t.ok(row !== undefined && other !== undefined)
  if (row === undefined || other === undefined) return
  for (const value of [
    encodeSigningKey({ kid, algorithm: 'ES256', key: other, createdAt: 1, signsFrom: 1 }),
    Buffer.from('of another version'),
  ]) {
    await store.writeRow({ table: SIGNING_TABLE, key: kid, value })
    await eventually('it is said', () => signing.warnings.length === 1)
    t.match(signing.warnings[0], new RegExp(`another signing key ${kid}`))
    t.equal(auth.verify(token).account, 'ann', 'what is known here stays')
    await store.writeRow({ table: SIGNING_TABLE, key: kid, value: row.value })
    await eventually('the end of it', () => signing.warnings.length === 0)
  }
  t.equal(errors.filter((line) => line.startsWith('the store holds a different')).length, 2, 'each is said once')
})

await t.test('a store that is away logs nobody out', async (t) => {
  const redis = await startRedis(t)
  const { auth, signing } = await nodeOn(t, await redisStore(t, { url: redis.url, limits: { redisTimeoutMs: 500 } }))
  const token = auth.issue(GRANT).token
  await redis.kill()
  await t.rejects(signing.rotate({}), { code: 'STORE_UNAVAILABLE' })
  await t.rejects(signing.retire(auth.verify(token).kid), { code: 'STORE_UNAVAILABLE' })
  t.equal(auth.verify(token).account, 'ann')
})
