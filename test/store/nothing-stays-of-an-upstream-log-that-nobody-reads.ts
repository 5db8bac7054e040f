// When readers, retained messages and packet ids have ended, is everything of them gone, and is no offset given twice?
import { ClassicLevel } from 'classic-level'
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { message, openLevel, OTHER, register, TOKEN } from './support/level.ts'

const DAY = 86_400_000
const LEVEL = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

await t.test('an upstream log', async (t) => {
  let now = 1_800_000_000_000
  const { store, directory } = await openLevel(t, { now: () => now })
  const { generation } = await register(store, TOKEN, now)
  const session = { tokenId: TOKEN, app: 'weather', generation, cleanStart: false }
  const publish = async (epoch: number, id: number, ttl = DAY, retain = true) =>
    await store.appendUpstream({
      app: 'weather',
      tokenId: TOKEN,
      generation,
      epoch,
      subject: `s/${id}`,
      message: message({ now, ttl, retain }),
      as: 'stored',
      received: id,
    })
  const open = (reader: string, ttl = Infinity) => store.openReader({ app: 'weather', reader, expiresAt: now + ttl })
  const kinds = async (): Promise<number[]> => {
    await store.close()
    const level = new ClassicLevel<Buffer, Buffer>(directory, LEVEL)
    const found = new Set((await level.keys().all()).map((key) => key[0] ?? 0))
    await level.close()
    await store.open()
    return [...found]
  }
  const left = [Kind.current, Kind.meta, Kind.token, Kind.due]

  const { epoch } = await store.openSession(session)
  await open('short', DAY)
  await open('closed')
  let last = 0
  const many = Array.from({ length: 3_000 }, (_, at) => publish(epoch, at + 1, at % 2 === 0 ? 9 * DAY : DAY, false))
  await Promise.all(many)
  for (let id = 1; id <= 20; id += 1) last = (await publish(epoch, id + 3_000)).offset
  const claim = { app: 'weather', reader: 'closed', part: 0, member: 'ann', until: Infinity }
  await store.claimUpstream({ ...claim, limit: { entries: 5, bytes: Infinity } })
  await store.settleUpstream(claim, [2, 4])
  await store.closeReader('weather', 'closed')
  t.equal((await store.readUpstream('weather', 0, 0, { entries: 9_999, bytes: Infinity })).entries.length, 3_020)
  now += DAY
  await store.sweep()
  t.same((await store.readUpstream('weather', 0, 0, { entries: 1, bytes: 1 })).entries, [], 'the last reader has ended')
  t.ok((await kinds()).includes(Kind.upstreamReceived), 'packet ids stay with the session')
  await store.closeSession(TOKEN, epoch, { stateExpiresAt: 0 })
  t.same((await kinds()).sort(), left.sort(), 'the rest of the log, its readers, and what was retained are gone')

  const again = await store.openSession(session)
  await open('reader')
  t.ok((await publish(again.epoch, 1)).offset > last, 'offsets go on')
  t.match(await publish(again.epoch, 1), { duplicate: true })
  await store.closeReader('weather', 'reader')
  await store.revokeToken(TOKEN)
  t.equal((await kinds()).includes(Kind.upstreamRetained), false)
  await register(store, OTHER, now)
  now += 500 * DAY
  await store.sweep()
  t.same(await kinds(), [Kind.meta], 'packet ids go with the token id')
})
