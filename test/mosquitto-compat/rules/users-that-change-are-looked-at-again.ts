// When users, passwords or rules change, do live sessions have the new rules at once, and who is refused end, with its will?
import { t } from '../../support/tap.ts'
import { eventually } from '../../support/index.ts'
import type { User, Users } from '../../../index.ts'
import { arrival, join, people, publish, ruled } from './support/ruled.ts'

/** Whose passwords are in the map. */
function changing() {
  const passwords = new Map([
    ['ann', 'x'],
    ['bob', 'x'],
    ['eve', 'x'],
  ])
  const denied = new Set<string>()
  const listeners = new Set<() => void>()
  let fails = 0
  const user = (name: string): User | undefined =>
    passwords.has(name)
      ? {
          kind: 'user',
          name,
          mayPublish: (topic) => !denied.has(topic),
          maySubscribe: (_, qos) => qos,
          mayReceive: (topic) => !denied.has(topic),
        }
      : undefined
  const check: Users['authenticate'] = async ({ username, password }) =>
    passwords.get(username) === String(password) ? user(username) : undefined
  const users: Users = {
    authenticate: check,
    find: (name) => user(name),
    changed(listen) {
      listeners.add(listen)
      return () => listeners.delete(listen)
    },
    async recheck(credentials) {
      if (fails-- > 0) throw new Error('the database is away')
      return await check(credentials)
    },
  }
  const change = (how: () => void): void => {
    how()
    for (const listen of listeners) listen()
  }
  return { users, passwords, denied, listeners, change, fail: (times: number) => (fails = times) }
}

const will = (topic: string) => ({ topic, payload: Buffer.from('will'), qos: 0 as const, retain: false })

await t.test('passwords and rules', async (t) => {
  const { users, passwords, denied, change, fail } = changing()
  const { listen } = await ruled(t, { users, limits: { retryMs: 10 } })
  const target = await listen()
  const ann = await join(t, target, 'a', { username: 'ann' })
  await ann.raw.subscribe('#')
  const bob = await join(t, target, 'b', { username: 'bob', will: will('bob') })
  const eve = await join(t, target, 'e', { username: 'eve', will: will('eve'), level: 4 })
  fail(3)
  change(() => {
    passwords.set('bob', 'another')
    passwords.delete('eve')
    denied.add('secret')
  })
  t.match(await bob.raw.next('disconnect'), { reasonCode: 0x87 })
  await t.rejects(eve.raw.next(), /closed the connection/)
  t.match(await arrival(ann.raw), { topic: 'bob' }, 'the will of who is a user still; of the other one there is none')
  publish(ann.raw, 'secret', 'x')
  t.match(await ann.raw.next(), { reasonCode: 0x87 }, 'the rules of now')
  publish(ann.raw, 'open', 'x')
  t.match(await arrival(ann.raw), { topic: 'open' })
  await ann.raw.next('puback')
})

await t.test('users of a listener, those that only find, and a change on the way in', async (t) => {
  const own = changing()
  const other = changing()
  const { recheck: _, ...found } = own.users
  let asked: () => void = () => undefined
  const slow: Users = {
    ...found,
    async authenticate(credentials) {
      const user = await own.users.authenticate(credentials)
      asked()
      return user
    },
  }
  const { push, listen } = await ruled(t, { users: other.users })
  const target = await listen({ users: slow })
  const ann = await join(t, target, 'a', { username: 'ann' })
  const stays = await join(t, await listen(), 'stays', { username: 'ann' })
  own.change(() => own.passwords.delete('ann'))
  t.match(await ann.raw.next('disconnect'), { reasonCode: 0x87 })
  await stays.raw.ping()

  asked = () => own.change(() => own.passwords.delete('bob'))
  const bob = await join(t, target, 'b', { username: 'bob' })
  t.match(
    await bob.raw.next('disconnect'),
    { reasonCode: 0x87 },
    'it was let in before the change, and is not let stay',
  )
  await push.close()
  t.equal(own.listeners.size + other.listeners.size, 0, 'nobody listens after the end')
})

await t.test('many sessions hold nobody up', async (t) => {
  let rechecks = 0
  let most = 0
  let under = 0
  let changed: () => void = () => undefined
  const users = people(() => ({}), {
    changed(listen) {
      changed = listen
      return () => undefined
    },
    async recheck({ username }) {
      most = Math.max(most, ++under)
      await new Promise((resolve) => setImmediate(resolve))
      under -= 1
      rechecks += 1
      return { kind: 'user', name: username, mayPublish: () => true, maySubscribe: (_, qos) => qos }
    },
  })
  const { listen } = await ruled(t, { users })
  const target = await listen()
  for (let at = 0; at < 30; at++) await join(t, target, `c${at}`)
  changed()
  await eventually('all of them', async () => rechecks === 30)
  t.ok(most <= 4, 'a few at a time')
})
