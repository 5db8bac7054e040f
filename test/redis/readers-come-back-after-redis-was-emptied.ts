// Redis is emptied under a provider that reads: is what devices publish afterwards kept for it, and does it hear of it?
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import { eventually, type Redis } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'
import { APP } from './support/people.ts'
import { publisher, textOf, textsIn, UpstreamEar } from './support/upstream.ts'

async function emptied(t: Test, url: string, servers: readonly Redis[]): Promise<void> {
  const limits = { sweepMs: 1_000 }
  const one = await redisStore(t, { url, limits })
  const two = await redisStore(t, { url, limits })
  const ear = new UpstreamEar()
  one.watch(ear)
  await one.listenUpstream(APP)
  for (const reader of ['kept', 'closed']) await one.openReader({ app: APP, reader, expiresAt: Infinity })
  await one.openReader({ app: APP, reader: 'expired', expiresAt: Date.now() + 1 })
  await one.closeReader(APP, 'closed')
  const before = await publisher(two, 'phone')
  const part = two.upstreamPart(before.tokenId)
  const { offset } = await before.publish('before')

  for (const server of servers) await server.cli('flushall')
  const phone = await publisher(two, 'phone')
  const first = await eventually('the reader that is known again', async () => {
    const sent = await phone.publish('after')
    return sent.read && sent
  })
  t.ok(first.offset > offset, 'a cursor of before passes nothing')
  t.same(await textsIn(one, part, offset), ['after'])
  await eventually('a wake', async () => {
    await phone.publish('woken', { as: 'told' })
    return ear.heard.some(({ entry }) => entry !== undefined && textOf(entry) === 'woken')
  })
  const at = [{ part, cursor: first.offset }]
  t.equal(await one.moveReader(APP, 'closed', at), false)
  t.equal(await one.moveReader(APP, 'expired', at), false)
  t.equal(await one.moveReader(APP, 'kept', at), true)
  t.same(await textsIn(one, part), [], 'it is the only one')
}

await onServerAndCluster(t, emptied)
