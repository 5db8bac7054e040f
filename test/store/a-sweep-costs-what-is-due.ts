// Is what a sweep reads and writes independent of how much is stored?
import { ClassicLevel } from 'classic-level'
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { message, openLevel } from './support/level.ts'

const DAY = 86_400_000
await t.test('a sweep', async (t) => {
  let now = 1_800_000_000_000
  let writes = 0
  const counted = { private: 0, broadcast: 0, upstream: 0, event: 0, session: 0 }
  const { store, directory } = await openLevel(t, {
    now: () => now,
    beforeSync: async () => void writes++,
    observer: {
      expired: (destination, count) => {
        counted[destination] += count
      },
      dropped: () => undefined,
    },
  })
  const ids = Array.from({ length: 50 }, (_, number) => String(number).padStart(22, 'A'))
  const send = (tokenId: string, ttl: number) =>
    store.append({ tokenId, message: message({ now, ttl }), dedupe: false })
  const expiresAt = now + 365 * DAY
  await Promise.all(
    ids.map((tokenId) => store.registerToken({ tokenId, app: 'weather', deviceMark: tokenId, expiresAt })),
  )
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(ids.map((tokenId) => send(tokenId, 7 * DAY)))
    now += 1_000
  }

  async function dueKeys(): Promise<number> {
    await store.close()
    const level = new ClassicLevel<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
    const keys = await level.keys({ gte: Buffer.from([Kind.due]), lt: Buffer.from([Kind.due + 1]) }).all()
    await level.close()
    await store.open()
    return keys.length
  }

  t.equal(await dueKeys(), ids.length, 'one due key a token id, however many messages wait')

  writes = 0
  await store.sweep()
  t.equal(writes, 0, 'nothing is due, nothing is written')

  await send(ids[0]!, 3_600_000)
  t.equal(await dueKeys(), ids.length + 1, 'one more for a message that expires before older ones')
  now += DAY
  writes = 0
  await store.sweep()
  t.equal(writes, 1)
  t.match(counted, { private: 1, broadcast: 0 })
  t.equal(await dueKeys(), ids.length)

  await store.commit(ids.map((tokenId) => ({ tokenId, private: 19 })))
  now += 7 * DAY
  await store.sweep()
  t.match(counted, { private: 1 + ids.length, broadcast: 0 }, 'what was acknowledged has not expired')
  t.equal(await dueKeys(), ids.length, 'the end of each token id')
})
