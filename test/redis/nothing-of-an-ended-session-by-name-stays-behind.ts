// After sessions by name have ended, each in another way: does Redis hold what it held before?
import { createHash } from 'node:crypto'
import { t } from '../support/tap.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { deliver, HOUR, neighbours, subscribe, textsOf } from './support/named.ts'
import { ALL } from './support/people.ts'

const LARGE = 'x'.repeat(600)
const STATE = Buffer.from('state')
const partitionOf = (name: string): string => String(createHash('sha256').update(name).digest().readUInt8(0))

await t.test('keys of sessions by name', async (t) => {
  const redis = await startRedis(t)
  const clock = { ahead: 0 }
  const now = (): number => Date.now() + clock.ahead
  const store = await redisStore(t, { url: redis.url, now, limits: { sweepMs: 2 ** 31 - 1 } })
  const keys = async (): Promise<string[]> => (await redis.cli('keys', '*')).split('\n').sort()
  const names = neighbours(4, partitionOf)
  const [closed = '', clean = '', expires = '', reads = ''] = names
  const base = `{push:${partitionOf(closed)}}`
  const own = async (): Promise<string[]> =>
    (await keys()).filter((key) => key.startsWith(base)).map((key) => key.slice(base.length))

  // What stays is known: the floor of the partition, and the end of the log of changes.
  await store.closeNamedSession(closed, (await store.openNamedSession(closed, false)).epoch, { stateExpiresAt: 0 })
  const { epoch: first } = await store.openNamedSession(closed, false)
  await subscribe(store, closed, first, 'first')
  await store.closeNamedSession(closed, first, { stateExpiresAt: 0 })
  await store.sweep()
  clock.ahead = HOUR
  await store.sweep()
  const before = await keys()

  const epochs = await Promise.all(names.map(async (name) => (await store.openNamedSession(name, false)).epoch))
  for (const [at, name] of names.entries()) {
    await store.saveNamedSession(name, epochs[at]!, STATE)
    await store.rememberReceived(name, epochs[at]!, 7, 'uid')
    await subscribe(store, name, epochs[at]!, ...Array.from({ length: 40 }, (_, number) => `${name}/${number}`))
  }
  const expiresAt = now() + 10 * HOUR
  await deliver(store, names, 'small', 'small uid', expiresAt)
  await deliver(store, names, LARGE, 'large uid', expiresAt)
  const fields = await own()
  for (const key of ['yk', 'yb', 'yc', 'yusmall uid', `yl${closed}`, `yq${closed}`]) {
    t.ok(fields.includes(key), `${key} is in use`)
  }
  t.equal(await redis.cli('hlen', `${base}yb`), '1', 'a large body is stored once')
  const seconds = Number(await redis.cli('ttl', `${base}yusmall uid`))
  t.ok(seconds > 86_000 && seconds <= 86_400, 'a uid is forgotten after a day')

  await store.closeNamedSession(closed, epochs[0]!, { stateExpiresAt: 0 })
  const { epoch } = await store.openNamedSession(clean, true)
  t.same(await textsOf(store, clean), [])
  await store.closeNamedSession(clean, epoch, { stateExpiresAt: 0 })
  const will = { publishAt: now() + 1, value: Buffer.from('will') }
  await store.closeNamedSession(expires, epochs[2]!, { state: STATE, stateExpiresAt: now() + HOUR, will })
  t.same(await textsOf(store, reads), ['small', LARGE], 'what others share is there')
  const { entries } = await store.readSession(reads, 0, ALL)
  const done = entries.map(({ offset }) => offset)
  await store.commitSession({ name: reads, epoch: epochs[3]!, done, released: [] })
  t.equal(await redis.cli('hlen', `${base}yb`), '1', 'until the last one has gone')
  await store.closeNamedSession(reads, epochs[3]!, { stateExpiresAt: 0 })

  clock.ahead += HOUR
  await store.sweep()
  await store.willPublished({ name: expires }, epochs[2]!)
  for (const uid of ['small uid', 'large uid']) await store.forgetUid(uid, names)
  clock.ahead += HOUR
  await store.sweep()
  // The counter of bodies.
  t.same(
    (await keys()).filter((key) => !before.includes(key) && key !== `${base}yc`),
    [],
  )
  t.equal(await redis.cli('hlen', `${base}yc`), '1', 'the last number')
  t.equal(await redis.cli('hlen', `${base}y`), '1', 'the floor')
})

await t.test('a long log of large messages goes some at a time', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url, limits: { sweepMs: 2 ** 31 - 1 } })
  const [one = '', other = ''] = neighbours(2, partitionOf)
  const base = `{push:${partitionOf(one)}}`
  const { epoch } = await store.openNamedSession(one, false)
  await store.openNamedSession(other, false)
  for (let sent = 0; sent < 500; sent += 50) {
    await Promise.all(Array.from({ length: 50 }, () => deliver(store, [one, other], LARGE)))
  }
  await store.closeNamedSession(one, epoch, { stateExpiresAt: 0 })
  t.equal((await redis.cli('keys', `${base}yd*`)).split('\n').length, 1, 'a grave')
  t.equal((await textsOf(store, other)).length, 500)
  await store.sweep()
  t.equal((await redis.cli('keys', `${base}y[dg]*`)).trim(), '', 'and it is gone')
  t.equal((await textsOf(store, other)).filter((text) => text === LARGE).length, 500, 'what the other has is whole')
  t.match(new Set((await redis.cli('hvals', `${base}yc`)).split('\n').slice(0, -1)), new Set(['1']))
})
