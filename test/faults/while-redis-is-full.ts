// When Redis has reached its maxmemory, does everybody get an answer, and does all go on when there is room again?
import { t } from '../support/tap.ts'
import { faultMatrix } from './support/matrix.ts'
import { oneRedis } from './support/redis.ts'

await t.test('redis is full', async (t) => {
  const redis = oneRedis()
  await faultMatrix(t, {
    start: redis.start,
    begin: () => redis.cli('config', 'set', 'maxmemory', '1mb'),
    end: () => redis.cli('config', 'set', 'maxmemory', '0'),
    ready: false,
  })
})
