// Does a Redis of the harness keep what it answered through a kill, and does a cluster share the slots?
import { t } from '../support/tap.ts'
import { eventually, startRedis, startRedisCluster } from '../support/index.ts'

t.test('a killed server comes back with its data, on its port', async (t) => {
  const redis = await startRedis(t)
  t.equal(await redis.cli('config', 'get', 'appendfsync'), 'appendfsync\nalways')
  t.equal(await redis.cli('set', 'key', 'kept'), 'OK')
  t.match(await redis.kill(), { signal: 'SIGKILL' })
  t.equal(redis.running, false)
  await t.rejects(redis.cli('ping'), /refused/)
  await redis.restart()
  t.equal(await redis.cli('get', 'key'), 'kept')
})

t.test('a frozen server answers after the thaw', async (t) => {
  const redis = await startRedis(t, { appendfsync: 'everysec' })
  redis.freeze()
  const answer = redis.cli('ping')
  let answered = false
  void answer.then(() => (answered = true))
  await eventually('a stopped process', async () => {
    const { readFileSync } = await import('node:fs')
    return /State:\s+T/.test(readFileSync(`/proc/${redis.pid}/status`, 'utf8'))
  })
  t.equal(answered, false)
  redis.thaw()
  t.equal(await answer, 'PONG')
})

t.test('three masters make a cluster', async (t) => {
  const cluster = await startRedisCluster(t)
  t.equal(cluster.url.split(',').length, 3)
  for (const key of ['a', 'b', 'c']) t.equal(await cluster.nodes[0]!.cli('-c', 'set', key, key), 'OK')
  const sizes = await Promise.all(cluster.nodes.map((node) => node.cli('dbsize')))
  t.equal(
    sizes.map(Number).reduce((sum, size) => sum + size, 0),
    3,
  )
})
