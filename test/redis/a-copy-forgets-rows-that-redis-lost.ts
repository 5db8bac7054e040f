// Redis loses a table, and gets a row before the copy of a node looks: does the copy still see that the others are gone?
import { t } from '../support/tap.ts'
import { TableCopy } from '../../store/table-copy.ts'
import { startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'

await t.test('rows that are lost go from a copy', async (t) => {
  const redis = await startRedis(t)
  const store = await redisStore(t, { url: redis.url })
  const write = (key: string) => store.writeRow({ table: 'names', key, value: Buffer.from(key) })
  // It looks when it is told to.
  const quiet = { ...store, watch: () => () => undefined }
  const failed = (error: unknown) => t.fail(String(error))
  const decode = (_key: string, value: Uint8Array) => String(value)
  const copy = new TableCopy({ store: quiet, table: 'names', decode, now: Date.now, monotonic: () => 0, failed })
  await write('before')
  await copy.open()
  t.teardown(() => copy.close())
  t.equal(copy.get('before'), 'before')
  await redis.cli('flushall')
  await write('after')
  await copy.refresh()
  t.equal(copy.get('after'), 'after')
  t.equal(copy.get('before'), undefined)
})
