// A subscriber that lost its connection: is the node told to look again, and does it learn of the ends it missed?
import { t } from '../support/tap.ts'
import type { Watcher } from '../../store/contract.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { APP, known, message, register } from './support/people.ts'

await t.test('a takeover, a revocation and an account switch that were missed', async (t) => {
  const redis = await startRedis(t)
  const one = await redisStore(t, { url: redis.url })
  const two = await redisStore(t, { url: redis.url })
  const heard: string[] = []
  const ends: { tokenId: string; epoch: number }[] = []
  const watcher: Watcher = {
    privateAppended: (_, offset) => void heard.push(`message ${offset}`),
    broadcastAppended: (_, offset) => void heard.push(`broadcast ${offset}`),
    sessionEnded: (tokenId, epoch, reason) => {
      if (reason === 'TOKEN_REVOKED') ends.push({ tokenId, epoch })
      else heard.push(`${reason} ${epoch}`)
    },
    cursorMoved: () => undefined,
    cursorsLost: () => undefined,
    resync: () => void heard.push('resync'),
  }
  one.watch(watcher)
  const token = await known(one, 'phone')
  const stays = await known(one, 'tablet')
  const revoked = await known(one, 'watch')
  const switched = await known(one, 'kiosk')
  const open = { app: APP, generation: 1, cleanStart: false }
  const session = await one.openSession({ ...open, tokenId: token })
  await one.openSession({ ...open, tokenId: stays })
  const ended = await Promise.all(
    [revoked, switched].map((tokenId) =>
      one.openSession({ ...open, tokenId }).then(({ epoch }) => ({ tokenId, epoch })),
    ),
  )

  // Redis goes on with everything but messages to subscribers, and it closes their connections.
  await redis.cli('acl', 'setuser', 'default', 'resetchannels')
  await eventually('no subscriber', async () => (await redis.cli('client', 'list', 'type', 'pubsub')) === '')
  await two.openSession({ ...open, tokenId: token })
  await two.append({ tokenId: stays, message: message('unheard'), dedupe: false })
  await two.revokeToken(revoked)
  await register(two, 'watch')
  await register(two, 'kiosk', 'bert')
  await register(two, 'kiosk')
  t.same(heard, [], 'a message that could not be published is stored all the same')

  await redis.cli('acl', 'setuser', 'default', 'allchannels')
  await eventually('news of the takeover', () => heard.includes(`SESSION_TAKEN_OVER ${session.epoch}`))
  t.same(heard, ['resync', `SESSION_TAKEN_OVER ${session.epoch}`])
  await eventually('news of what was ended and issued again', () => ends.length === 2)
  t.same(ends, ended, 'which is over although the token id is valid again')
  const { offset } = await two.append({ tokenId: stays, message: message('heard'), dedupe: false })
  await eventually('a wake', () => heard.includes(`message ${offset}`))
})
