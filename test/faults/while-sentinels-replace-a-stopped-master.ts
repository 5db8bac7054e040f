// When a master hangs and Sentinel promotes its replica, does everybody get an answer, and all go on with the new master?
import t from 'tap'
import { faultMatrix } from './support/matrix.ts'
import { sentinels } from './support/redis.ts'

await t.test('a master hangs, and is replaced', async (t) => {
  const redis = sentinels()
  await faultMatrix(t, {
    start: redis.start,
    async begin() {
      await redis.upToDate()
      redis.master.freeze()
    },
    end: () => redis.promoted(),
    ready: undefined,
  })
})
