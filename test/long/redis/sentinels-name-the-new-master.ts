// When the master dies and Sentinel promotes its replica: does the store go on there by itself?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import { eventually, freePort, startProgram, startRedis, temporaryFolder } from '../../support/index.ts'
import { redisStore } from '../../redis/support/engine.ts'
import { ids, known, message } from '../../redis/support/people.ts'

await t.test('a failover', async (t) => {
  const master = await startRedis(t)
  const replica = await startRedis(t, { config: { replicaof: `${master.host} ${master.port}` } })
  const port = await freePort()
  const folder = temporaryFolder(t, 'sentinel')
  const settings = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    `dir ${folder}`,
    `sentinel monitor main ${master.host} ${master.port} 1`,
    'sentinel down-after-milliseconds main 300',
    'sentinel failover-timeout main 2000',
  ]
  writeFileSync(settings, `${lines.join('\n')}\n`)
  const sentinel = startProgram(t, 'redis-server', [settings, '--sentinel'])
  await sentinel.stdout.nextWhere((line) => line.includes('+monitor'))
  await sentinel.stdout.nextWhere((line) => line.includes('+slave'))

  const store = await redisStore(t, { url: `redis+sentinel://127.0.0.1:${port}/main`, limits: { redisTimeoutMs: 500 } })
  const token = await known(store, 'phone')
  const before = await store.append({ tokenId: token, message: message('before'), dedupe: false })
  await eventually('a replica that has it', async () => (await replica.cli('info', 'keyspace')).includes('keys='))
  await eventually('a replica that is up to date', async () => {
    const offset = /master_repl_offset:(\d+)/.exec(await master.cli('info', 'replication'))?.[1]
    return offset !== undefined && (await replica.cli('info', 'replication')).includes(`slave_repl_offset:${offset}`)
  })

  await master.kill()
  await eventually('a new master', () => store.health())
  const after = await store.append({ tokenId: token, message: message('after'), dedupe: false })
  t.same(await ids(store, token), ['before', 'after'])
  t.ok(after.offset > before.offset + 1, 'a replica may lack what was answered last, so offsets jump')
})
