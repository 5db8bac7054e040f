// When rows of a small table end, as enrolment codes and quotas do, does all of them leave Redis though nobody writes there any more?
import { t } from '../support/tap.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'

const MINUTE = 60_000

await onServerAndCluster(t, async (t, url, servers) => {
  let now = Date.now()
  const store = await redisStore(t, { url, now: () => now, limits: { sweepMs: 2 ** 31 - 1 } })
  const sizes = async (): Promise<number> => {
    let found = 0
    for (const server of servers) {
      const keys = (await server.cli('--scan', '--pattern', '*:table:codes}*')).split('\n')
      for (const key of keys.filter((each) => /}[rkve]$/.test(each)))
        found += Number(await server.cli(key.endsWith('r') ? 'hlen' : 'zcard', key))
    }
    return found
  }
  const write = (key: string, expiresAt?: number) =>
    store.writeRow({ table: 'codes', key, value: Buffer.from(key), ...(expiresAt === undefined ? {} : { expiresAt }) })
  for (let number = 0; number < 50; number += 1) await write(`ends ${number}`, now + MINUTE)
  await write('ends later', now + 2 * MINUTE)
  await write('stays')
  t.equal(await sizes(), 51 * 4 + 3)
  now += MINUTE
  await store.sweep()
  t.equal(await sizes(), 4 + 3, 'rows, and what is beside them')
  const left = await store.readRows('codes', '', 100)
  t.same(
    left.map(({ key }) => key),
    ['ends later', 'stays'],
  )
})
