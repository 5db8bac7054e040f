// Does a retained message go out only while its publisher may still write there, also after a restart?
import { t } from '../../support/tap.ts'
import { type Scope, startRedis } from '../../support/index.ts'
import type { PushOptions } from '../../../index.ts'
import { arrival, join, people, publish, ruled } from './support/ruled.ts'

const engines: Readonly<Record<string, (t: Scope) => Promise<Partial<PushOptions>>>> = {
  embedded: async () => ({}),
  redis: async (t) => ({ redisUrl: (await startRedis(t, { config: { appendonly: 'no' } })).url }),
}

for (const [engine, optionsOf] of Object.entries(engines))
  await t.test(engine, async (t) => {
    const denied = new Set<string>()
    const rulesOf = ({ username, clientId }: { username: string; clientId: string }) => ({
      mayPublish: () => !denied.has(username) && !denied.has(clientId),
    })
    const users = people(rulesOf, { id: 'own' })
    const store = await optionsOf(t)
    const first = await ruled(t, { ...store, users, generalRules: { checkRetainSource: true } })
    const target = await first.listen()
    const nameless = await first.listen({ users: people(rulesOf) })
    for (const [username, listener] of [
      ['ann', target],
      ['bob', target],
      ['joe', nameless],
    ] as const) {
      const { raw } = await join(t, listener, `of-${username}`, { username })
      publish(raw, `by/${username}`, username, { retain: true, properties: { userProperties: { a: 'b' } } })
      await raw.next('puback')
    }
    const last = await join(t, nameless, 'last')
    publish(last.raw, 'the/end', 'end', { retain: true })
    await last.raw.next('puback')
    await first.close()

    const { listen, general } = await ruled(t, {
      ...store,
      users,
      dataDir: first.dataDir,
      generalRules: { checkRetainSource: true },
    })
    const again = await listen()
    let readers = 0
    const found = async (): Promise<string[]> => {
      const { raw } = await join(t, again, `reader-${++readers}`, { username: 'eve', level: 4 })
      // What is retained comes in the order of the subscriptions.
      const subscriptions = ['by/+', 'the/end'].map((topic) => ({ topic, qos: 0 as const }))
      raw.send({ cmd: 'subscribe', messageId: 1, subscriptions })
      const texts: string[] = []
      for (;;) {
        const { text } = await arrival(raw)
        if (text === 'end') return texts.sort()
        texts.push(text)
      }
    }
    t.same(await found(), ['ann', 'bob', 'joe'])
    denied.add('ann')
    t.same(await found(), ['bob', 'joe'], 'by its name')
    denied.add('of-bob')
    t.same(await found(), ['joe'], 'by its client id')
    denied.add('joe')
    t.same(await found(), ['joe'], 'of users without an id nobody can tell')
    general.checkRetainSource = false
    t.same(await found(), ['ann', 'bob', 'joe'])
  })
