// Does every node have what another has written in a small table, does its copy say when it is old, and does it heal?
import { t } from '../support/tap.ts'
import { TableCopy } from '../../store/table-copy.ts'
import { eventually, startRedis } from '../support/index.ts'
import { redisStore } from './support/engine.ts'

const TABLE = 'words'

await t.test('two nodes', async (t) => {
  const redis = await startRedis(t, { appendfsync: 'always' })
  const [one, two] = [await redisStore(t, { url: redis.url }), await redisStore(t, { url: redis.url })]
  const write = (key: string, value?: string, expiresAt = Infinity) =>
    one.writeRow({ table: TABLE, key, expiresAt, ...(value === undefined ? {} : { value: Buffer.from(value) }) })
  await write('early', 'a')
  const changed: string[] = []
  const failed: unknown[] = []
  const clock = { now: 0 }
  const copy = new TableCopy({
    store: two,
    table: TABLE,
    decode: (_, value) => (value.length === 0 ? undefined : Buffer.from(value).toString()),
    now: Date.now,
    monotonic: () => performance.now() + clock.now,
    changed: (key, value) => void changed.push(`${key}=${value ?? ''}`),
    failed: (error) => void failed.push(error),
  })
  await copy.open()
  t.teardown(() => copy.close())
  t.equal(copy.get('early'), 'a')
  t.ok(copy.isFresh)

  for (let number = 0; number < 30; number += 1) await write(`k${number % 9}`, `${number}`)
  await write('early')
  await write('other version', '')
  await copy.refresh()
  t.same(
    [...copy.entries()].toSorted(),
    [0, 1, 2, 3, 4, 5, 6, 7, 8].map((k) => [`k${k}`, `${k < 3 ? 27 + k : 18 + k}`]),
  )
  t.ok(changed.includes('early='), 'it is told what goes')
  t.equal(failed.length, 1, 'and what it cannot read')
  await write('soon', 'over', Date.now() + 300)
  await copy.refresh()
  t.equal(copy.get('soon'), 'over')
  await eventually('the end of a row', () => copy.get('soon') === undefined)

  await redis.kill()
  clock.now += 1_001
  t.notOk(copy.isFresh, 'it is old, and says so')
  t.equal(copy.get('k8'), '26', 'and still there')
  await redis.restart()
  await eventually('a fresh copy', () => copy.isFresh)
  t.equal(copy.get('k8'), '26')
  await write('k8', 'after')
  await eventually('what comes after', () => copy.get('k8') === 'after')

  await redis.cli('flushall')
  await eventually('an empty copy', () => [...copy.entries()].length === 0)
  await write('anew', 'x')
  await eventually('what comes after that', () => copy.get('anew') === 'x')
})
