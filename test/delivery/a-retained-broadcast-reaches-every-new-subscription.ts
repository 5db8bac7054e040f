// Does the last retained broadcast that selects a version (exactly, by range, all) reach every new subscription to it?
import { t } from '../support/tap.ts'
import {
  type Destination,
  barrier,
  connectDevice,
  connectProvider,
  issueToken,
  send,
  startServer,
} from '../support/index.ts'
import { texts, untilNothingIsPending } from './support/messages.ts'

const server = await startServer(t)
const selections: Record<string, (app: string) => Destination> = {
  exact: (app) => ({ app, version: '2.1.0' }),
  range: (app) => ({ app, versions: '>=2.1 <3' }),
  all: (app) => ({ app, versions: '*' }),
}

for (const [name, select] of Object.entries(selections)) {
  for (const protocolVersion of [4, 5] as const) {
    await t.test(`${name}, protocol ${protocolVersion}`, async (t) => {
      const app = `shop-${name}-${protocolVersion}`
      const to = select(app)
      const token = (device: string) => issueToken(server, { app, device, version: '2.1.0' })
      const early = await token('early')
      const subscribed = async (issued: typeof early) => {
        const device = await connectDevice(t, server, issued, { protocolVersion, clean: true })
        t.same(await device.subscribe(issued.topics.broadcast!), [1])
        return device
      }
      await send(server, to, 'state 1', { retain: true })
      await send(server, to, 'state 2', { retain: true })
      const late = await token('late')

      const first = await subscribed(early)
      t.match(await barrier(server, first, to), [
        { text: 'state 1', retain: false },
        { text: 'state 2', retain: true, topic: `${app}/2.1.0`, qos: 1 },
      ])
      t.equal(first.received.length, 3, 'pending and retained: it comes once')
      const newcomer = await subscribed(late)
      const [retained, ...rest] = await barrier(server, newcomer, to)
      t.match(retained, { text: 'state 2', retain: true, qos: 1 }, 'a new token starts with what is retained')
      t.notOk(
        rest.some(({ text }) => text.startsWith('state')),
        'and gets it once',
      )
      await untilNothingIsPending(server, late)
      await newcomer.end()
      await untilNothingIsPending(server, early)
      await first.end()

      const acknowledged = await subscribed(early)
      t.match(await acknowledged.next(), { text: 'state 2', retain: true }, 'also after it was acknowledged')
      await acknowledged.end()
      await server.restart()
      const restarted = await subscribed(early)
      t.match(await restarted.next(), { text: 'state 2', retain: true }, 'also after a restart')
      await send(server, to, 'state 3', { retain: true })
      t.match(await restarted.next(), { text: 'state 3', retain: false }, 'live it is a message like others')

      await send(server, to, '', { retain: true })
      t.match(await restarted.next(), { text: '', retain: false })
      await untilNothingIsPending(server, early)
      await restarted.end()
      const cleared = await subscribed(early)
      t.same(await barrier(server, cleared, to), [], 'cleared by an empty payload')
    })
  }
}

await t.test('the last one whose selector matches', async (t) => {
  const app = 'many'
  await send(server, { app, versions: '*' }, 'all', { retain: true })
  await send(server, { app, versions: '>=2 <3' }, 'two', { retain: true })
  await send(server, { app, version: '2.5.0' }, 'exactly 2.5.0', { retain: true })
  await send(server, { app, versions: '>=2.5 <3' }, 'from 2.5', { retain: true })
  const issued = await issueToken(server, { app, device: 'phone', version: '2.5.0' })
  const device = await connectDevice(t, server, issued)
  const expected: Record<string, string> = {
    '1.0.0': 'all',
    '2.1.0': 'two',
    '2.5.0': 'from 2.5',
    '2.6.0': 'from 2.5',
    beta: 'all',
  }
  for (const [version, text] of Object.entries(expected)) {
    t.same(await device.subscribe(`${app}/${version}`), [1])
    t.match(await device.next(), { text, topic: `${app}/${version}`, retain: true })
  }
  await send(server, { app, versions: '>=2.5 <3' }, '', { retain: true })
  t.match(await device.next(), { text: '', retain: false })
  await untilNothingIsPending(server, issued)
  const fresh = await connectDevice(t, server, issued)
  await fresh.subscribe([`${app}/2.6.0`, `${app}/2.5.0`])
  t.same(texts(await barrier(server, fresh, { app, version: '2.6.0' })), [], 'cleared for the versions it selects')
  await fresh.subscribe(`${app}/2.1.0`)
  t.match(await fresh.next(), { text: 'two', topic: `${app}/2.1.0`, retain: true }, 'and for no other')
})

await t.test('retained by a provider over MQTT', async (t) => {
  const app = 'over-mqtt'
  const provider = await connectProvider(t, server)
  const range = { properties: { userProperties: { versions: '>=2.1' } } }
  await provider.publish(`${app}/2.1.0`, 'exact', { retain: true })
  await provider.publish(`${app}/*`, 'range', { retain: true, ...range })
  const issued = await issueToken(server, { app, device: 'phone', version: '2.1.0' })
  const device = await connectDevice(t, server, issued)
  await device.subscribe(`${app}/2.1.0`)
  t.match(await device.next(), { text: 'range', retain: true })
  await provider.publish(`${app}/*`, '', { retain: true, ...range })
  t.match(await device.next(), { text: '', retain: false })
  await provider.publish(`${app}/2.1.0`, '', { retain: true })
  t.match(await device.next(), { text: '', retain: false })
  const fresh = await connectDevice(t, server, issued)
  await fresh.subscribe(`${app}/2.1.0`)
  t.same(await barrier(server, fresh, { app, version: '2.1.0' }), [])
})
