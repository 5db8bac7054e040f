/** Each scenario on the embedded store, and on two nodes that share a Redis: whatever is asked of one is seen at the other. */
import type { Test } from 'tap'
import { type Server, type ServerOptions, startRedis, startServer } from '../../support/index.ts'

export interface Nodes {
  readonly one: Server
  /** Another node on Redis, the same on the embedded store. */
  readonly other: Server
}

export async function onEachEngine(
  t: Test,
  scenario: (t: Test, nodes: Nodes) => Promise<void>,
  options: ServerOptions = {},
): Promise<void> {
  await t.test('embedded', async (t) => {
    const one = await startServer(t, options)
    await scenario(t, { one, other: one })
  })
  await t.test('two nodes on Redis', async (t) => {
    const redis = await startRedis(t)
    const settings = { PUSH_PROVIDER_KEY: KEY, ...options.settings, PUSH_REDIS_URL: redis.url }
    const one = await startServer(t, { ...options, settings })
    const other = await startServer(t, { ...options, settings })
    await scenario(t, { one, other })
  })
}

const KEY = 'provider-key-of-both-nodes-0123456789'
