// Do users of one listener have its users, its versions, its client ids and its limits, and devices none of that?
import { t } from '../../support/tap.ts'
import { connect, connectProvider } from '../../support/index.ts'
import { PushError } from '../../../index.ts'
import { join, people, publish, ruled } from './support/ruled.ts'

await t.test('users of a listener are in place of those of all', async (t) => {
  const { listen } = await ruled(t, { users: people() })
  const closed = await listen({ users: people(() => ({}), { authenticate: async () => undefined }) })
  t.equal((await join(t, closed, 'a')).code, 0x87)
  t.equal((await join(t, await listen(), 'a')).code, 0)
  t.equal((await connectProvider(t, closed)).connack.reasonCode, 0, 'a provider is served on each')
})

await t.test('users of a listener, where there are none besides', async (t) => {
  const { push, listen, general } = await ruled(t)
  t.ok(push.general)
  t.same(general, {})
  const open = await listen({ users: people() })
  t.equal((await join(t, open, 'a')).code, 0)
})

await t.test('protocol levels', async (t) => {
  const { listen } = await ruled(t)
  const old = await listen({ protocolLevels: [3, 4] })
  t.equal((await join(t, old, 'a', { level: 4 })).code, 0)
  t.equal((await join(t, old, 'a', { level: 5 })).code, 0x84)
  const young = await listen({ protocolLevels: [5] })
  t.equal((await join(t, young, 'a', { level: 4 })).code, 1)
  t.equal((await connectProvider(t, young, { protocolVersion: 4 })).connack.returnCode, 0, 'of users alone')
})

await t.test('client ids', async (t) => {
  const asked: unknown[] = []
  const { listen } = await ruled(t, {
    users: people(({ clientId }) => {
      asked.push(clientId)
      return {}
    }),
  })
  const target = await listen({
    clientId({ clientId }) {
      if (clientId === 'bad') throw new PushError('CLIENT_ID_REFUSED')
      return clientId === '' ? { clientId: 'auto-1', made: true } : { clientId, made: false }
    },
  })
  const { connack } = await join(t, target, '')
  t.equal(connack.properties?.assignedClientIdentifier, 'auto-1')
  t.same(asked, ['auto-1'], 'rules know it by the one that was made')
  t.equal((await join(t, target, 'bad')).code, 0x85)
  t.equal((await join(t, target, 'bad', { level: 4 })).code, 2)
})

await t.test('the highest QoS', async (t) => {
  const { listen } = await ruled(t)
  const target = await listen({ maximumQos: 1 })
  const { raw, connack } = await join(t, target, 'a')
  t.equal(connack.properties?.maximumQoS, 1)
  t.same((await raw.subscribe('x', 2)).granted, [1], 'nothing above it is granted')
  publish(raw, 'x', 'too much', { qos: 2 })
  t.match(await raw.next('disconnect'), { reasonCode: 0x9b })
  const old = await join(t, target, 'b', { level: 4 })
  publish(old.raw, 'x', 'too much', { qos: 2 })
  await t.rejects(old.raw.next(), /closed the connection/)
  const will = { topic: 'x', payload: Buffer.from('w'), qos: 2 as const, retain: false }
  t.equal((await join(t, target, 'c', { will })).code, 0x9b)
})

await t.test('topic aliases', async (t) => {
  const { listen } = await ruled(t)
  const target = await listen({ topicAliasMaximum: 0, outgoingTopicAliases: 1 })
  const { raw, connack } = await join(t, target, 'a', { properties: { topicAliasMaximum: 5 } })
  t.equal(connack.properties?.topicAliasMaximum, undefined)
  await raw.subscribe(['first', 'second'])
  for (const topic of ['first', 'second']) {
    publish(raw, topic, 'x', { qos: 0, messageId: undefined })
    t.match(await raw.next('publish'), { topic, properties: { topicAlias: 1 } }, 'there is one alias')
  }
  publish(raw, 'first', 'x', { properties: { topicAlias: 1 } })
  t.match(await raw.next('disconnect'), { reasonCode: 0x94 })
})

await t.test('a rule that throws something else refuses', async (t) => {
  const { listen } = await ruled(t)
  const target = await listen({
    clientId() {
      throw new Error('a mistake')
    },
  })
  t.equal((await join(t, target, 'a')).code, 0x85)
  await t.rejects(connect(t, target, { username: 'ann' }, { protocolVersion: 4 }), { code: 2 })
})
