// When Redis has fewer replicas than it must have and answers NOREPLICAS, does everybody get an answer, and all come back?
import { t } from '../support/tap.ts'
import { faultMatrix } from './support/matrix.ts'
import { oneRedis } from './support/redis.ts'

await t.test('redis lacks replicas', async (t) => {
  const redis = oneRedis()
  await faultMatrix(t, {
    start: redis.start,
    begin: () => redis.cli('config', 'set', 'min-replicas-to-write', '1'),
    end: () => redis.cli('config', 'set', 'min-replicas-to-write', '0'),
    ready: false,
  })
})
