// When the disk refuses a write, is everything of an upstream log, its readers and groups as if no call had been made?
import { setImmediate as turn } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { message, openLevel, register, TOKEN } from './support/level.ts'

const ALL = { entries: 100, bytes: Infinity }
const GROUP = { app: 'weather', reader: 'group', part: 0, member: 'ann' }

await t.test('a failed write', async (t) => {
  let failing = false
  const { store } = await openLevel(t, {
    beforeSync: async () => {
      if (failing) throw new Error('no space left on device')
    },
  })
  const { generation } = await register(store)
  const { epoch } = await store.openSession({ tokenId: TOKEN, app: 'weather', generation, cleanStart: false })
  const publish = (payload: string, more: { retain?: boolean; received?: number; as?: 'told' } = {}) => {
    const { retain = false, received, as = 'stored' } = more
    return store.appendUpstream({
      app: 'weather',
      tokenId: TOKEN,
      generation,
      epoch,
      subject: payload,
      message: message({ payload, retain }),
      as,
      ...(received === undefined ? {} : { received }),
    })
  }
  const open = (reader: string) => store.openReader({ app: 'weather', reader, expiresAt: Infinity })
  const retained = async () => {
    const subjects: string[] = []
    for await (const { subject } of store.retainedUpstream('weather')) subjects.push(subject)
    return subjects
  }
  await open('reader')
  await open('group')
  const before = await publish('before', { retain: true, received: 1 })
  await publish('second')
  const claimed = await store.claimUpstream({ ...GROUP, until: Infinity, limit: ALL })
  t.equal(claimed.entries.length, 2)
  await store.listenUpstream('weather')
  const told: number[] = []
  store.watch({
    privateAppended: () => undefined,
    broadcastAppended: () => undefined,
    upstreamAppended: (_, __, offset) => void told.push(offset),
    sessionEnded: () => undefined,
    cursorMoved: () => undefined,
    cursorsLost: () => undefined,
    resync: () => undefined,
  })

  failing = true
  const calls = await Promise.allSettled([
    publish('lost', { retain: true, received: 2 }),
    publish('told', { retain: true, as: 'told' }),
    store.releaseUpstream(TOKEN, epoch, 1),
    open('never'),
    store.moveReader('weather', 'reader', [{ part: 0, cursor: before.offset }]),
    store.settleUpstream(GROUP, [before.offset]),
    store.closeReader('weather', 'reader'),
    store.revokeToken(TOKEN),
  ])
  failing = false

  t.ok(calls.every((call) => call.status === 'rejected' && call.reason.code === 'STORE_UNAVAILABLE'))
  t.same(await retained(), ['before'])
  const end = before.offset + 1
  t.same(await open('reader'), [{ part: 0, cursor: before.offset - 1, end, missed: 0 }])
  t.equal(await store.moveReader('weather', 'never', [{ part: 0, cursor: 1 }]), false)
  t.match(await publish('before', { received: 1 }), { duplicate: true })
  t.match(await publish('again', { received: 2 }), { offset: end + 1, duplicate: false })
  t.same(
    (await store.claimUpstream({ ...GROUP, member: 'bob', until: Infinity, limit: ALL })).entries.map(
      ({ subject }) => subject,
    ),
    ['again'],
    'what was to be settled is claimed as before',
  )
  await store.settleUpstream(GROUP, [before.offset])
  t.match(await open('group'), [{ cursor: before.offset }])
  await turn()
  t.same(told, [end + 1], 'nothing was heard but what is stored')
})
