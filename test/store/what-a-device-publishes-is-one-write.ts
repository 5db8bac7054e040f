// How often does it write to disk what a device publishes, for one reader and for a hundred, and what is only told?
import { setImmediate as turn } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { message, openLevel, register, TOKEN } from './support/level.ts'

await t.test('writes', async (t) => {
  let writes = 0
  const { store } = await openLevel(t, { beforeSync: async () => void writes++ })
  const { generation } = await register(store)
  const publish = (as: 'stored' | 'told', retain = false) =>
    store.appendUpstream({
      app: 'weather',
      tokenId: TOKEN,
      generation,
      subject: 'state',
      message: message({ retain }),
      as,
    })
  const written = async (call: () => Promise<unknown>) => {
    writes = 0
    await call()
    return writes
  }
  const open = (reader: string) => store.openReader({ app: 'weather', reader, expiresAt: Infinity })

  t.equal(await written(() => publish('stored')), 0, 'nobody reads')
  t.equal(await written(() => open('reader 0')), 1)
  t.equal(await written(() => open('reader 0')), 0, 'it is open')
  t.equal(await written(() => publish('stored', true)), 1, 'message, share, retained message and wake')
  t.equal(await written(() => Promise.all([publish('stored'), publish('stored')])), 1, 'together')
  for (let reader = 1; reader < 100; reader += 1) await open(`reader ${reader}`)
  t.equal(await written(() => publish('stored')), 1, 'a hundred readers')
  const { end } = (await open('reader 0'))[0] ?? { end: 0 }
  const moved = written(() => store.moveReader('weather', 'reader 0', [{ part: 0, cursor: end }]))
  t.equal(await moved, 1)

  const heard: string[] = []
  await store.listenUpstream('weather')
  store.watch({
    privateAppended: () => undefined,
    broadcastAppended: () => undefined,
    upstreamAppended: (_, __, offset, entry) => void heard.push(`${offset} ${entry?.subject}`),
    sessionEnded: () => undefined,
    cursorMoved: () => undefined,
    cursorsLost: () => undefined,
    resync: () => undefined,
  })
  t.equal(await written(() => publish('told')), 0)
  await turn()
  t.same(heard, ['0 state'])
  t.equal(await written(() => publish('told', true)), 1, 'unless it is retained')
})
