// Redis loses that all tokens of an account were revoked, or goes back to an earlier time: is any of them honoured meanwhile, or after?
import { t } from '../support/tap.ts'
import { eventually, type Redis, request, type Server, startRedis, startServer } from '../support/index.ts'
import { honoured, issue } from './support/calls.ts'

const TABLE = 'push:table:epochs'
const BACKUP = 'backup'
const GO_BACK = `for _, key in ipairs(KEYS) do
  redis.call('del', key)
  redis.call('copy', ARGV[1] .. key, key)
end`

const redis = await startRedis(t)
const settings = { PUSH_PROVIDER_KEY: 'provider-key-of-both-nodes-0123456789', PUSH_REDIS_URL: redis.url }
const one = await startServer(t, { settings })
const other = await startServer(t, { settings })

async function keysOf({ cli }: Redis): Promise<string[]> {
  const printed = await cli('--scan', '--pattern', `*{${TABLE}}*`)
  return printed.split('\n').filter((key) => key !== '' && !key.startsWith(BACKUP))
}

async function revokeAnns(target: Server): Promise<void> {
  const { status } = await request(target, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account: 'ann' } })
  if (status !== 204) throw new Error(`answered ${status}`)
}

/** Asks both nodes all the time, until the table is as long as before. */
async function refusedMeanwhile(token: string, rows: number): Promise<string[]> {
  const answers = new Set<string>()
  await eventually('the table to be written again', async () => {
    for (const node of [one, other]) answers.add(await honoured(node, token))
    return (await redis.cli('hlen', `{${TABLE}}r`)) === String(rows)
  })
  // Whoever followed what came back has it now.
  for (let looks = 0; looks < 20; looks += 1) for (const node of [one, other]) answers.add(await honoured(node, token))
  return [...answers]
}

const first = await issue(one, { app: 'chat', device: 'phone', account: 'ann' })
await revokeAnns(one)
await eventually('the refusal on the other node', async () => (await honoured(other, first.token)) === 'TOKEN_REVOKED')
const keys = await keysOf(redis)
t.ok(keys.length > 0, 'the table is there')

await t.test('the table is lost', async (t) => {
  await redis.cli('del', ...keys)
  t.same(await refusedMeanwhile(first.token, 1), ['TOKEN_REVOKED'])
})

await t.test('Redis is as it was before the second revocation', async (t) => {
  for (const key of await keysOf(redis)) await redis.cli('copy', key, `${BACKUP}${key}`, 'replace')
  const second = await issue(other, { app: 'chat', device: 'tablet', account: 'ann' })
  await revokeAnns(other)
  await eventually('the refusal on the first node', async () => (await honoured(one, second.token)) === 'TOKEN_REVOKED')
  const newest = await redis.cli('hvals', `{${TABLE}}r`)
  const known = await keysOf(redis)
  // As a failover to a replica that was behind: in one step.
  await redis.cli('eval', GO_BACK, String(known.length), ...known, BACKUP)
  t.not(await redis.cli('hvals', `{${TABLE}}r`), newest)
  t.same(await refusedMeanwhile(second.token, 1), ['TOKEN_REVOKED'])
  const later = await startServer(t, { settings })
  await eventually('a node that starts later', async () => (await honoured(later, second.token)) === 'TOKEN_REVOKED')
})
