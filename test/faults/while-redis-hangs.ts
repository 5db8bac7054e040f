// When Redis answers nothing for longer than any command waits, does everybody get an answer, and all come back with it?
import { t } from '../support/tap.ts'
import { faultMatrix } from './support/matrix.ts'
import { LONGER_THAN_COMMANDS_WAIT_MS, oneRedis } from './support/redis.ts'

await t.test('redis hangs', async (t) => {
  const redis = oneRedis()
  await faultMatrix(t, {
    start: redis.start,
    begin: async () => redis.server.freeze(),
    async end() {
      redis.server.thaw()
      await redis.cli('ping')
    },
    lastsMs: LONGER_THAN_COMMANDS_WAIT_MS,
    ready: false,
  })
})
