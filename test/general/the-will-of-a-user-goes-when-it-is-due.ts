// Is a will published at the end of a connection, or when its delay has passed, its session ends, or another server starts?
import { t } from '../support/tap.ts'
import type { User } from '../../broker/session/general.ts'
import { eventually } from '../support/index.ts'
import { arrival, join, type How } from './support/people.ts'
import { serve } from './support/serve.ts'

const will = (text: string, willDelayInterval = 0): How => ({
  will: { topic: 'wills', payload: Buffer.from(text), qos: 1, retain: false, properties: { willDelayInterval } },
})

await t.test('at once, in time, and not at all', async (t) => {
  const server = await serve(t)
  const { raw } = await join(t, server, 'reader', { expiry: 0 })
  await raw.subscribe('wills', 1)
  const cut = async (name: string, how: How) => await (await join(t, server, name, how)).raw.reset()
  await cut('now', will('now'))
  t.equal((await arrival(raw)).text, 'now')
  await cut('later', will('later', 1))
  t.equal((await arrival(raw)).text, 'later')
  await cut('unkept', { ...will('with the session', 1000), expiry: 0 })
  t.equal((await arrival(raw)).text, 'with the session')
  await cut('back', will('never', 1))
  await join(t, server, 'back')
  const polite = await join(t, server, 'polite', will('never'))
  polite.raw.send({ cmd: 'disconnect' })
  await polite.raw.closed
  await cut('ended', will('session ended', 1000))
  await join(t, server, 'ended', { clean: true })
  t.equal((await arrival(raw)).text, 'session ended')
})

await t.test('a will that is delayed outlives its server', async (t) => {
  const first = await serve(t)
  const reader = await join(t, first, 'reader')
  await reader.raw.subscribe('wills', 1)
  await (await join(t, first, 'mortal', will('late', 1))).raw.reset()
  await eventually('the will is left', async () => {
    const connections = await first.metrics.connections.get()
    return connections.values[0]?.value === 1
  })
  await first.close()
  const second = await serve(t, { dataDir: first.dataDir, limits: { sweepMs: 200 } })
  const back = await join(t, second, 'reader')
  t.equal((await arrival(back.raw)).text, 'late')
})

await t.test('a will that is delayed goes where its user may publish then', async (t) => {
  const gone = new Set<string>()
  const may = (name: string): User => ({
    kind: 'user',
    name,
    mayPublish: (topic) => !gone.has(topic),
    maySubscribe: (_, qos) => qos,
  })
  const server = await serve(t, {
    users: {
      authenticate: async ({ username }) => may(username),
      find: (name) => (gone.has(name) ? undefined : may(name)),
    },
  })
  const { raw } = await join(t, server, 'reader', { expiry: 0 })
  await raw.subscribe('#', 1)
  const leave = async (name: string, topic: string, willDelayInterval: number) => {
    const will = {
      topic,
      payload: Buffer.from(name),
      qos: 1 as const,
      retain: false,
      properties: { willDelayInterval },
    }
    await (await join(t, server, name, { username: name, will })).raw.reset()
  }
  await leave('forbidden', 'secret', 2)
  await leave('dismissed', 'open', 2)
  await leave('allowed', 'open', 3)
  await eventually('all wills are left', async () => {
    let left = 0
    for await (const { will } of server.store.namedSessions()) if (will !== undefined) left += 1
    return left === 3
  })
  gone.add('secret').add('dismissed')
  t.match(await arrival(raw), { topic: 'open', text: 'allowed' }, 'the first that comes')
})

await t.test('not where the user may not publish, nor to a push topic', async (t) => {
  const server = await serve(t, { rules: { mayPublish: (topic) => topic !== 'wills' } })
  const { raw } = await join(t, server, 'reader', { expiry: 0 })
  await raw.subscribe('wills', 1)
  await (await join(t, server, 'refused', will('refused'))).raw.reset()
  const other = { topic: 'other', payload: Buffer.from('taken'), qos: 1 as const, retain: false }
  await raw.subscribe('other', 1)
  await (await join(t, server, 'allowed', { will: other })).raw.reset()
  t.equal((await arrival(raw)).text, 'taken')
})
