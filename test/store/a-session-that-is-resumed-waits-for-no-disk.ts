// Is a device that comes back to its session no synced write, and everything synced that a crash of the machine must not undo?
import { setImmediate as turn } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { message, openLevel, register, TOKEN } from './support/level.ts'

const STATE = Buffer.from('state')
const HOUR = 3_600_000
const MINUTE = 60_000

await t.test('sessions of a device', async (t) => {
  const now = 1_800_000_000_000
  const writes: boolean[] = []
  const { store } = await openLevel(t, { now: () => now, beforeSync: async (synced) => void writes.push(synced) })
  const { generation } = await register(store, TOKEN, now)
  const open = (cleanStart = false) => store.openSession({ tokenId: TOKEN, app: 'weather', generation, cleanStart })
  const isSynced = async (name: string, synced: boolean, work: () => Promise<unknown>): Promise<void> => {
    writes.length = 0
    await work()
    t.same(writes, [synced], name)
  }
  let epoch = 0
  const opens = async (cleanStart = false) => void ({ epoch } = await open(cleanStart))
  const keeps = (keptMs = HOUR) => store.closeSession(TOKEN, epoch, { state: STATE, stateExpiresAt: now + keptMs })

  await isSynced('the first', true, opens)
  await isSynced('it is kept', false, keeps)
  await isSynced('it is resumed', false, opens)
  await isSynced('it is taken over', false, opens)
  await isSynced('it is kept again', false, () => keeps(MINUTE))
  await isSynced('it is resumed when it would soon have been over', true, opens)
  await keeps()
  await isSynced('it is discarded', true, () => opens(true))
  const will = { publishAt: now + MINUTE, value: Buffer.from('will') }
  await isSynced('it is kept with a will', true, () =>
    store.closeSession(TOKEN, epoch, { state: STATE, stateExpiresAt: now + HOUR, will }),
  )
  await isSynced('whose device comes back', true, opens)
  await isSynced('it ends', true, () => store.closeSession(TOKEN, epoch, { stateExpiresAt: now }))

  await opens()
  await keeps()
  await isSynced('it is resumed while a message is stored', true, () =>
    Promise.all([opens(), store.append({ tokenId: TOKEN, message: message({ now }), dedupe: false })]),
  )
})

/** Each brings devices that come back. */
const WAVES = 20
const IN_A_WAVE = 3

await t.test('devices that come back one after the other', async (t) => {
  let writes = 0
  const { store } = await openLevel(t, { beforeSync: async () => void (writes += 1) })
  const tokenIds = Array.from({ length: WAVES * IN_A_WAVE }, (_, at) => `${String(at).padStart(21, 'A')}A`)
  const open = (tokenId: string) => store.openSession({ tokenId, app: 'weather', generation: 1, cleanStart: false })
  for (const tokenId of tokenIds) {
    const expiresAt = Date.now() + HOUR
    await store.registerToken({ tokenId, app: 'weather', deviceMark: tokenId, expiresAt, details: {} })
    const { epoch } = await open(tokenId)
    await store.closeSession(tokenId, epoch, { state: STATE, stateExpiresAt: Infinity })
  }
  writes = 0
  const opening: Promise<unknown>[] = []
  for (let from = 0; from < tokenIds.length; from += IN_A_WAVE) {
    opening.push(...tokenIds.slice(from, from + IN_A_WAVE).map(open))
    while (writes === 0) await turn()
    await turn()
  }
  await Promise.all(opening)
  t.comment(`${writes} writes`)
  t.ok(writes < WAVES / 2, `${writes} writes for ${WAVES} waves`)

  const more = open(tokenIds[0] ?? '')
  writes = 0
  await store.append({ tokenId: tokenIds[1] ?? '', message: message(), dedupe: false })
  t.equal(writes, 1, 'what is synced takes along what waits')
  await more
})
