// While Redis loads its data after a start and answers LOADING, are publishers told, and does all resume by itself?
import { t } from '../support/tap.ts'
import { connectProvider, eventually, request, runProgram, send, startRedis } from '../support/index.ts'
import { join, startNode } from './support/nodes.ts'
import { acceptsNothing, goesOn, pubackIsNoSuccess } from './support/refusing.ts'

/** Redis looks at its clients once in 1,024 commands that it loads, so it has to load many to be asked at all. */
const COMMANDS = 60_000
/** For each of them, while it loads. */
const MICROSECONDS = '1000'

await t.test('redis is loading', async (t) => {
  const redis = await startRedis(t, { config: { 'key-load-delay': MICROSECONDS, 'auto-aof-rewrite-percentage': '0' } })
  const node = await startNode(t, redis.url)
  const member = await join(t, node, node, { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' })
  const provider = await connectProvider(t, node)
  await send(node, { token: member.issued.tokenId }, 'before')
  const fill = Array.from({ length: COMMANDS }, (_, index) => `SET filler:${index % 10} ${index}\n`).join('')
  await runProgram(t, 'redis-cli', ['-p', String(redis.port), '--pipe'], { input: fill })

  await redis.kill()
  const loaded = redis.restart()
  await eventually('LOADING', async () => (await redis.cli('get', 'filler:0')).includes('LOADING'))
  await eventually('503 of /readyz', async () => (await request(node, 'GET', '/readyz')).status === 503)
  await acceptsNothing(t, node, member, 'loading')
  await pubackIsNoSuccess(t, provider, member.issued.topics.private, 'loading')
  t.match(await redis.cli('get', 'filler:0'), /LOADING/, 'it was loading all the time')
  await redis.cli('config', 'set', 'key-load-delay', '0')
  await loaded
  await goesOn(t, node, member, ['before'], 'loading')
})
