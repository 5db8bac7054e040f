// Where the rules of an embedding program throw, make no sense or never answer, is only their own user refused?
import { t } from '../support/tap.ts'
import { connectRaw, within } from '../support/index.ts'
import { arrival, join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

/** As a program in JavaScript has them. */
const TYPELESS: object = {
  mayPublish: () => true,
  maySubscribe: (_: string, qos: number) => qos,
}
const never = (): Promise<never> => new Promise(() => undefined)
const fails = (): never => {
  throw new Error('a rule of the test')
}
const SOON = { connectTimeoutMs: 200 }
const NOT_AUTHORIZED = 0x87

function usersWith(rules: object) {
  const rulesOf = (username: string) => ({ ...TYPELESS, ...(username === 'ann' ? rules : {}) }) as { mayPublish: never }
  const user = (name: string) => ({ kind: 'user' as const, name, maySubscribe: fails, ...rulesOf(name) })
  return { authenticate: async ({ username }: { username: string }) => user(username) }
}

for (const [what, mayReceive] of [
  ['throws', fails],
  ['is a promise', async () => true],
  ['is a promise that fails', async () => fails()],
  ['says nothing', () => undefined],
] as const)
  await t.test(`mayReceive ${what}: nothing comes, to a session that is kept or not, and others have it`, async (t) => {
    const server = await serve(t, { limits: SOON, users: usersWith({ mayReceive }) })
    const kept = await join(t, server, 'kept')
    const unkept = await join(t, server, 'unkept', { expiry: 0 })
    const other = await join(t, server, 'other', { username: 'bob' })
    for (const { raw } of [kept, unkept, other]) await raw.subscribe('a', 1)
    publish(other.raw, 'a', 'x', 1)
    t.equal((await arrival(other.raw)).text, 'x')
    for (const { raw } of [kept, unkept]) {
      await raw.ping()
      t.notOk(raw.packets.received.some(({ cmd }) => cmd === 'publish'))
    }
  })

for (const [what, mayPublish] of [
  ['throws', fails],
  ['says nothing', () => undefined],
  ['says yes in words', () => 'yes'],
  ['promises nothing', async () => undefined],
  ['promises words', async () => 'yes'],
  ['never answers', never],
] as const)
  await t.test(`mayPublish ${what}: refused, and the connection stays`, async (t) => {
    const server = await serve(t, { limits: SOON, users: usersWith({ mayPublish }) })
    const { raw } = await join(t, server, 'one')
    publish(raw, 'a', 'x', 1)
    const { reasonCode = 0 } = await raw.next('puback')
    t.ok(reasonCode >= 0x80)
    await raw.ping()
  })

for (const [what, maySubscribe, code] of [
  ['grants more than was asked for', () => 2, 1],
  ['throws', fails, NOT_AUTHORIZED],
  ['grants what is no QoS', () => 3, NOT_AUTHORIZED],
  ['says true', () => true, NOT_AUTHORIZED],
  ['says less than 0', async () => -1, NOT_AUTHORIZED],
  ['says null', () => null, NOT_AUTHORIZED],
  ['never answers', never, NOT_AUTHORIZED],
] as const)
  await t.test(`maySubscribe ${what}`, async (t) => {
    const server = await serve(t, { limits: SOON, users: usersWith({ maySubscribe }) })
    const { raw } = await join(t, server, 'one')
    t.same((await raw.subscribe('a', 1)).granted, [code])
  })

await t.test('a client whose rule never answers leaves, and comes back', async (t) => {
  const server = await serve(t, { limits: SOON, users: usersWith({ mayPublish: never, maySubscribe: never }) })
  const will = { topic: 'w', payload: Buffer.from('w'), qos: 1 as const, retain: false }
  for (const how of ['end', 'reset'] as const) {
    const { raw } = await join(t, server, 'one', { will })
    publish(raw, 'a', 'x', 1)
    raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'x', qos: 1 }] })
    await raw[how]()
    await within('another connection', join(t, server, 'one'))
  }
})

await t.test('one that authenticate never answers is told to try again, and its signal is aborted', async (t) => {
  let aborted = 0
  const authenticate = ({ signal }: { signal: AbortSignal }): Promise<never> => {
    signal.addEventListener('abort', () => (aborted += 1))
    return never()
  }
  const server = await serve(t, { limits: SOON, users: { authenticate } })
  const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
  t.match(await raw.connect({ username: 'ann', password: Buffer.from('x'), clientId: 'one' }), { reasonCode: 0x88 })
  t.equal(aborted, 1)
})

for (const [what, user] of [
  ['null', null],
  ['true', true],
  ['an object without a name', {}],
] as const)
  await t.test(`authenticate gives ${what}`, async (t) => {
    const server = await serve(t, { users: { authenticate: async () => user as never } })
    const raw = await connectRaw(t, server.mqttPort, { protocolVersion: 5 })
    const { reasonCode } = await raw.connect({ username: 'ann', password: Buffer.from('x'), clientId: 'one' })
    t.equal(reasonCode, user === null ? NOT_AUTHORIZED : 0x88)
  })
