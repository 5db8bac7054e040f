// When Redis is killed and comes back with its data, does everybody get an answer, and all come back with it?
import { t } from '../support/tap.ts'
import { faultMatrix } from './support/matrix.ts'
import { oneRedis } from './support/redis.ts'

await t.test('redis is restarted', async (t) => {
  const redis = oneRedis()
  await faultMatrix(t, {
    start: redis.start,
    begin: () => redis.server.kill(),
    end: () => redis.server.restart(),
    ready: false,
  })
})
