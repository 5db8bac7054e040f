// Is the record of a token id read that was written before it was known when a device was last seen?
import { Redis as Client } from 'ioredis'
import { t } from '../support/tap.ts'
import { type Packable, type Packed, Packer, unpack } from '../../store/redis/pack.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, idOf, ids, known, message, register } from './support/people.ts'

const TIMES_AT = 4
const TIMES_BYTES = 18

/** Values one after the other, without an array around them. */
function withoutLastSeen(record: Buffer): Buffer {
  // Read as an array of as many as there are.
  const values = [10, 13, 14].map((length) => valuesOf(record, length))
  const fields = values.find((each) => each !== undefined) ?? []
  const packer = new Packer()
  for (const [at, value] of fields.entries()) {
    packer.value(at === TIMES_AT ? (value as Buffer).subarray(0, TIMES_BYTES) : (value as Packable))
  }
  return packer.finish()
}

function valuesOf(record: Buffer, length: number): readonly Packed[] | undefined {
  try {
    const values = unpack(Buffer.concat([Buffer.from([0x90 | length]), record])) as readonly Packed[]
    const packer = new Packer()
    for (const value of values) packer.value(value as Packable)
    return packer.length === record.length ? values : undefined
  } catch {
    return undefined
  }
}

await t.test('an earlier record', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const client = new Client(redis.port)
  t.teardown(() => client.disconnect())
  const token = await known(store, 'phone')
  await store.append({ tokenId: token, message: message('waits'), dedupe: false })
  const before = (await store.lookupToken(token))!
  t.ok(before.lastSeen > 0)

  const [key = ''] = (await client.keys('*')).filter((each) => /:\d+}t.$/.test(each))
  const [[field, record] = []] = Object.entries(await client.hgetallBuffer(key)) as [string, Buffer][]
  t.ok(field !== undefined && record !== undefined)
  const name = Buffer.from(idOf('phone'), 'base64url').subarray(1)
  await client.hset(key, name, withoutLastSeen(record!))

  t.same(await store.lookupToken(token), { ...before, lastSeen: 0 })
  t.same(await ids(store, token), ['waits'])
  const { generation } = await register(store, 'phone')
  t.equal(generation, before.generation)
  await store.openSession({ tokenId: token, app: APP, generation, cleanStart: false })
  t.ok(((await store.lookupToken(token))?.lastSeen ?? 0) >= before.lastSeen)
  t.same(await ids(store, token), ['waits'])
})
