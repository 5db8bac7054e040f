// Does a broadcast reach exactly the versions that it names, with one write however many devices there are?
import { t } from '../support/tap.ts'
import { issueToken, lookup, send } from '../support/api.ts'
import { serve } from './support/serve.ts'

await t.test('exact, range and all', async (t) => {
  let writes = 0
  const api = await serve(t, {
    around: (store) => ({
      appendBroadcast(append) {
        writes++
        return store.appendBroadcast(append)
      },
      append(append) {
        t.fail('nothing is written for a single device')
        return store.append(append)
      },
    }),
  })
  const issue = (device: string, version?: string) =>
    issueToken(api, { app: 'chat', device, ...(version === undefined ? {} : { version }) })
  const [old, present, odd, bare] = [
    await issue('a', '1.9'),
    await issue('b', '2.1.0'),
    await issue('c', 'b7/x'),
    await issue('d'),
  ]
  const stranger = await issueToken(api, { app: 'mail', device: 'a', version: '2.1.0' })

  t.match(await send(api, { app: 'chat', version: '2.1.0' }, 'exact'), { accepted: 1, rejected: [] })
  await send(api, { app: 'chat', versions: '>=1 <2' }, 'range')
  await send(api, { app: 'chat', version: 'b7/x' }, 'odd')
  await send(api, { app: 'chat', versions: '*' }, 'all')
  t.equal(writes, 4)

  const got = async (token: string) =>
    (await lookup(api, token)).messages.map(({ topic, payload }) => `${topic} ${payload}`)
  t.same(await got(old.token), ['chat/1.9 range', 'chat/1.9 all'])
  t.same(await got(present.token), ['chat/2.1.0 exact', 'chat/2.1.0 all'])
  t.same(await got(odd.token), ['chat/b7%2Fx odd', 'chat/b7%2Fx all'])
  t.same(await got(bare.token), [], 'a token without a version subscribes over MQTT')
  t.same(await got(stranger.token), [], 'another app')
})
