// When Redis cannot save to its disk and answers MISCONF, does everybody get an answer, and all come back with the disk?
import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { faultMatrix } from './support/matrix.ts'
import { oneRedis } from './support/redis.ts'

await t.test('redis cannot save', async (t) => {
  const redis = oneRedis({ config: { save: '3600 1' } })
  const file = () => join(redis.server.folder, 'dump.rdb')
  const save = async (status: string) => {
    await redis.cli('bgsave')
    await eventually(`a save that is ${status}`, async () =>
      (await redis.cli('info', 'persistence')).includes(`rdb_last_bgsave_status:${status}`),
    )
  }
  await faultMatrix(t, {
    start: redis.start,
    async begin() {
      // A file cannot take the place of a folder.
      mkdirSync(file())
      await save('err')
    },
    async end() {
      rmdirSync(file())
      await save('ok')
    },
    ready: false,
  })
})
