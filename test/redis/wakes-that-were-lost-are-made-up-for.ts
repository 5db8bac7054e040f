// A subscriber that lost its connection: is the node told to look again, and does it learn of a takeover it missed?
import t from 'tap'
import type { Watcher } from '../../store/contract.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, known, message } from './support/people.ts'

await t.test('a takeover that was missed', async (t) => {
  const redis = await startRedis(t)
  const one = await redisStore(t, { url: redis.url })
  const two = await redisStore(t, { url: redis.url })
  const heard: string[] = []
  const watcher: Watcher = {
    privateAppended: (_, offset) => void heard.push(`message ${offset}`),
    broadcastAppended: (_, offset) => void heard.push(`broadcast ${offset}`),
    sessionEnded: (_, epoch, reason) => void heard.push(`${reason} ${epoch}`),
    cursorMoved: () => undefined,
    resync: () => void heard.push('resync'),
  }
  one.watch(watcher)
  const token = await known(one, 'phone')
  const stays = await known(one, 'tablet')
  const open = { app: APP, generation: 1, cleanStart: false }
  const session = await one.openSession({ ...open, tokenId: token })
  await one.openSession({ ...open, tokenId: stays })

  // Redis goes on with everything but messages to subscribers, and it closes their connections.
  await redis.cli('acl', 'setuser', 'default', 'resetchannels')
  await eventually('no subscriber', async () => (await redis.cli('client', 'list', 'type', 'pubsub')) === '')
  await two.openSession({ ...open, tokenId: token })
  await two.append({ tokenId: stays, message: message('unheard'), dedupe: false })
  t.same(heard, [], 'a message that could not be published is stored all the same')

  await redis.cli('acl', 'setuser', 'default', 'allchannels')
  await eventually('news of the takeover', () => heard.includes(`SESSION_TAKEN_OVER ${session.epoch}`))
  t.same(heard, ['resync', `SESSION_TAKEN_OVER ${session.epoch}`])
  await two.append({ tokenId: stays, message: message('heard'), dedupe: false })
  await eventually('a wake', () => heard.includes('message 2'))
})
