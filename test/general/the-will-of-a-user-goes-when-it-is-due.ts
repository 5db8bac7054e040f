// Is a will published at the end of a connection, or when its delay has passed, its session ends, or another server starts?
import { t } from '../support/tap.ts'
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
