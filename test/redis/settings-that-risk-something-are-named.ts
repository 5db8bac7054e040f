// Does the health of the store name each setting of Redis that risks a promise, also where CONFIG is forbidden?
import { t } from '../support/tap.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { known } from './support/people.ts'

await t.test('settings that risk something', async (t) => {
  const redis = await startRedis(t)
  const warnings = async (url = redis.url): Promise<string> => {
    const store = await redisStore(t, { url })
    return (await store.health()).warnings.join('\n')
  }

  t.equal(await warnings(), '', 'none with appendonly yes, appendfsync always and noeviction')
  await redis.cli('config', 'set', 'appendfsync', 'everysec')
  t.match(await warnings(), /appendfsync is not always.*last second/)
  await redis.cli('config', 'set', 'maxmemory-policy', 'allkeys-lru')
  t.match(await warnings(), /noeviction/)
  await redis.cli('config', 'set', 'appendonly', 'no')
  t.match(await warnings(), /appendonly is not yes/)

  const limited = `redis://limited:secret@127.0.0.1:${redis.port}`
  await redis.cli('acl', 'setuser', 'limited', 'on', '>secret', '~*', '&*', '+@all', '-config')
  t.match(await warnings(limited), /appendonly is not yes/, 'INFO says as much')
  await redis.cli('config', 'set', 'appendonly', 'yes')
  t.match(await warnings(limited), /appendfsync.*unless it is always/, 'INFO does not say how often')
  await redis.cli('acl', 'setuser', 'limited', '-info', '-lastsave')
  const store = await redisStore(t, { url: limited })
  t.match((await store.health()).warnings.join('\n'), /cannot tell whether accepted messages survive/)
  t.ok(await known(store, 'phone'), 'it works all the same')
})
