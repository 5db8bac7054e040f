// When the master becomes a replica that takes no writes, does everybody get an answer, and all come back with the master?
import { t } from '../support/tap.ts'
import { freePort } from '../support/index.ts'
import { faultMatrix } from './support/matrix.ts'
import { oneRedis } from './support/redis.ts'

await t.test('redis is read-only', async (t) => {
  const redis = oneRedis()
  await faultMatrix(t, {
    start: redis.start,
    // Of a master that does not answer: its own data stays.
    begin: async () => redis.cli('replicaof', '127.0.0.1', String(await freePort())),
    end: () => redis.cli('replicaof', 'no', 'one'),
    ready: false,
  })
})
