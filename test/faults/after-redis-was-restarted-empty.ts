// When Redis is killed and comes back without its data, does all work again as soon as tokens are issued again?
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { faultMatrix } from './support/matrix.ts'
import { oneRedis } from './support/redis.ts'

await t.test('redis is restarted empty', async (t) => {
  const redis = oneRedis()
  await faultMatrix(t, {
    start: redis.start,
    async begin() {
      await redis.server.kill()
      rmSync(join(redis.server.folder, 'appendonlydir'), { recursive: true })
    },
    end: () => redis.server.restart(),
    ready: false,
    forgets: true,
  })
})
