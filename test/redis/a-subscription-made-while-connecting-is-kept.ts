// Does a subscription hear what is published, at whatever moment of its connection to Redis it was asked for?
import { t } from '../support/tap.ts'
import { openStateConnection, type StateConnection } from '../../store/redis/index.ts'
import type { Test } from 'tap'
import { type Scope, eventually, startRedis, startRedisCluster } from '../support/index.ts'

/** Turns of the event loop after the socket is there; the greeting takes some. */
const MOMENTS = Array.from({ length: 12 }, (_, turns) => turns)

async function subscribeInTheMiddle(t: Scope, url: string, turns: number): Promise<string[]> {
  const connection = openStateConnection({ url, keyPrefix: '' })
  t.teardown(() => connection.client.disconnect())
  const { client } = connection
  const heard: string[] = []
  client.on('pmessage', (pattern: string) => heard.push(pattern))
  const early = [client.psubscribe('early*'), client.psubscribe('second*')]
  await socketOf(connection)
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
  await Promise.all([...early, client.psubscribe('middle*'), client.psubscribe('gone*'), client.punsubscribe('gone*')])
  return heard
}

/** Resolves when the connection for subscriptions has its socket, and is not greeted yet. */
async function socketOf({ client, isCluster }: StateConnection): Promise<void> {
  if (!isCluster) return void (await new Promise((resolve) => client.once('connect', resolve)))
  const { subscriber } = client as unknown as { subscriber: { getInstance(): { status: string } | null } }
  while (!['connect', 'ready'].includes(subscriber.getInstance()?.status ?? '')) await new Promise(setImmediate)
}

async function checkEveryMoment(t: Scope & Pick<Test, 'same'>, url: string): Promise<void> {
  const publisher = openStateConnection({ url, keyPrefix: '' })
  t.teardown(() => publisher.client.disconnect())
  const listeners = await Promise.all(MOMENTS.map((turns) => subscribeInTheMiddle(t, url, turns)))
  for (const channel of ['gone', 'early', 'second', 'middle']) await publisher.client.publish(channel, '')
  await eventually('what was published on three channels', () => listeners.every((heard) => heard.length >= 3))
  for (const heard of listeners) t.same(heard.toSorted(), ['early*', 'middle*', 'second*'])
}

await t.test('one Redis', async (t) => checkEveryMoment(t, (await startRedis(t)).url))

await t.test('a Cluster', async (t) => checkEveryMoment(t, (await startRedisCluster(t)).url))
