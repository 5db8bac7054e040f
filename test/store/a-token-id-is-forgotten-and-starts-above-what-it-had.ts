// Is a token id whose JWTs are long gone forgotten, and is nothing given twice when it comes back?
import { ClassicLevel } from 'classic-level'
import { t } from '../support/tap.ts'
import { Kind } from '../../store/level/keys.ts'
import { message, openLevel, OTHER, register, TOKEN } from './support/level.ts'

const DAY = 86_400_000
await t.test('a token id that is forgotten', async (t) => {
  let now = 1_800_000_000_000
  const { store, directory } = await openLevel(t, { now: () => now })
  const send = (tokenId = TOKEN, ttl = DAY) =>
    store.append({ tokenId, message: message({ now, ttl, id: `${now}` }), dedupe: true })
  const open = (generation: number) =>
    store.openSession({ tokenId: TOKEN, app: 'weather', generation, cleanStart: false })

  await register(store, TOKEN, now)
  await store.revokeToken(TOKEN)
  const { generation } = await register(store, TOKEN, now, { accountMark: TOKEN, tags: ['x'], version: '1.0' })
  const note = { accountMark: TOKEN, tokenId: TOKEN, epochs: [0, 0] as const, expiresAt: now + 366 * DAY, most: 1 }
  await store.noteDevice(note)
  const { epoch } = await open(generation)
  await store.closeSession(TOKEN, epoch, { state: Buffer.from('state'), stateExpiresAt: Infinity })
  const { offset } = await send()

  now += 366 * DAY
  await store.sweep()
  t.match(await store.lookupToken(TOKEN), { generation }, 'for a time after the last JWT it stays')
  now += 20 * DAY
  await send(TOKEN, 20 * DAY)
  now += 10 * DAY
  await store.sweep()
  t.match(await store.lookupToken(TOKEN), { generation }, 'and as long as something is pending')
  // What expired can be acknowledged for a while.
  now += 10 * DAY + 30_000
  await store.sweep()
  t.equal(await store.lookupToken(TOKEN), undefined)
  await t.rejects(send(), { code: 'TOKEN_UNKNOWN' })

  await store.close()
  const level = new ClassicLevel<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const kinds = new Set((await level.keys().all()).map((key) => key[0]))
  await level.close()
  t.same([...kinds], [Kind.meta], 'nothing of it is left')

  await store.open()
  t.same(await store.accountDevices(TOKEN), [])
  const again = await register(store, TOKEN, now)
  t.ok(again.generation > generation)
  t.ok((await open(again.generation)).epoch > epoch)
  t.ok((await send()).offset > offset + 1)
  t.equal((await register(store, OTHER, now)).switchedFrom, TOKEN)
})
