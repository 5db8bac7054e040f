// Does a webhook for which nothing happens leave the store alone, and are nodes told only what is news?
import { setImmediate as turn } from 'node:timers/promises'
import { mock } from 'node:test'
import { Members } from '../../../bridge/webhooks/members.ts'
import type { NodeChannel, Store } from '../../../store/contract.ts'
import { serve } from '../../bridge/support/serve.ts'
import { eventually } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { changeWebhook, makeWebhook } from './support/api.ts'

const MINUTE = 60_000

await t.test('looks at all parts', async (t) => {
  let later = 0
  let looks = 0
  const api = await serve(t, {
    monotonic: () => performance.now() + later,
    around: (store) => ({
      async openReader(open) {
        if (open.reader.endsWith(' 0')) looks += 1
        return await store.openReader(open)
      },
    }),
  })
  const made = await makeWebhook(api, 'https://hooks.example.com/')
  const ofMaking = looks
  await api.webhooks.open()
  t.teardown(() => api.webhooks.close())
  await eventually('it is looked at', () => looks === ofMaking + 1)
  for (let minutes = 1; minutes <= 9; minutes += 1) {
    later += MINUTE
    // Wakes it.
    await changeWebhook(api, made, { keepFor: minutes })
    await turn()
  }
  t.equal(looks, ofMaking + 1)
  later += MINUTE
  await changeWebhook(api, made, { keepFor: 10 })
  await eventually('whatever was lost is found', () => looks === ofMaking + 2)
})

await t.test('who is there', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const beatMs = 2_000
  let at = 0
  let version = 0
  let other: (() => number) | undefined
  let isHung = false
  const rows = () =>
    other === undefined ? [] : [{ key: 'other', version: other(), value: Buffer.of(1), expiresAt: 1e15 }]
  const store: Pick<Store, 'writeRow' | 'readRows' | 'nodes'> = {
    async writeRow({ key, value }) {
      if (isHung) await new Promise<never>(() => undefined)
      if (key === 'other' && value === undefined) other = undefined
      return (version += 1)
    },
    readRows: async () => rows(),
    nodes: {} as NodeChannel,
  }
  let changes = 0
  const failed = (error: unknown) => t.fail(String(error))
  const members = new Members({ store, now: () => at, monotonic: () => at, failed, changed: () => void (changes += 1) })
  const beats = async (count: number) => {
    for (let beat = 0; beat < count; beat += 1) {
      at += beatMs
      mock.timers.tick(beatMs)
      await turn()
    }
  }
  members.start()
  await turn()
  t.equal(changes, 1, 'it is sure')
  await beats(10)
  t.equal(changes, 1, 'nothing else is news')
  t.ok(members.isMine('one'))
  other = () => version
  await beats(10)
  t.equal(changes, 2, 'another one came')
  const mine = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].filter((id) => members.isMine(id))
  t.ok(mine.length > 0 && mine.length < 8, 'they share')
  other = () => 1
  await beats(10)
  t.equal(changes, 3, 'it is gone')
  t.ok(members.isMine('one'))
  t.ok(other !== undefined)
  await beats(300)
  t.equal(other, undefined, 'nor does its row stay')
  t.equal(changes, 3)
  isHung = true
  await beats(5)
  t.equal(changes, 4, 'and this one is not sure any more, though its last write has no answer')
  t.notOk(members.isSure)
})
