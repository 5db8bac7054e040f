// Is the Redis user of docs/redis.md enough for everything that nodes do, and what is said where rights are missing?
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { Store } from '../../store/contract.ts'
import { createPush } from '../../index.ts'
import { openRedisRetained } from '../../broker/aedes/redis-retained.ts'
import { KEPT } from '../nodes/support/nodes.ts'
import { embed, JOE } from '../plugin/support/embed.ts'
import {
  connect,
  connectDevice,
  connectProvider,
  issueToken,
  type MqttTarget,
  type Redis,
  request,
  send,
  startRedis,
  startRedisCluster,
  temporaryFolder,
  ROOT,
} from '../support/index.ts'
import { redisStore } from './support/engine.ts'
import { deliver, subscribe } from './support/named.ts'
import { known, message } from './support/people.ts'
import { join } from 'node:path'

const PASSWORD = 'pa/ss%wo@rd'
const guide = readFileSync(join(ROOT, 'docs', 'redis.md'), 'utf8')
const documented = /^ACL SETUSER (.*)$/m.exec(guide)?.[1]?.replace('>password', `>${PASSWORD}`).split(' ') ?? []

async function withUser(redis: Redis, rights: readonly string[]): Promise<string> {
  await redis.cli('acl', 'setuser', ...rights)
  await redis.cli('acl', 'log', 'reset')
  return redis.url.replace('://', `://push:${PASSWORD}@`)
}

/** Each of their steps, and the inventory. */
async function sessionsByName(t: Test, store: Store): Promise<void> {
  const names = Array.from({ length: 40 }, (_, number) => `name ${number}`)
  const opened = await Promise.all(names.map((name) => store.openNamedSession(name, true)))
  const [name = ''] = names
  const epoch = opened[0]?.epoch ?? 0
  await subscribe(store, name, epoch, ...names)
  await deliver(store, names, 'x'.repeat(600), 'uid')
  await store.forgetUid('uid', names)
  await store.rememberReceived(name, epoch, 1, 'uid')
  await store.releaseReceived(name, epoch, 1)
  const { readTo } = await store.readSession(name, 0, { entries: 1, bytes: 1 })
  await store.commitSession({ name, epoch, done: [], released: [readTo] })
  await store.commitSession({ name, epoch, done: [readTo], released: [] })
  for await (const session of store.subscriptions())
    if (session.name === name) t.equal(session.filters.length, names.length)
  await store.readSubscriptions(0, 10)
  const kept = new Set<string>()
  for await (const session of store.namedSessions()) kept.add(session.name)
  t.ok(names.every((each) => kept.has(each)))
  for await (const log of store.upstreamLogs()) await store.readersOf(log)
  const will = { publishAt: 0, value: Buffer.from('will') }
  await store.closeNamedSession(name, epoch, { state: Buffer.from('state'), stateExpiresAt: Infinity, will })
  await store.takeWill({ name }, epoch, 0)
  await store.willPublished({ name }, epoch)
  for (const [at, each] of names.entries()) {
    await store.closeNamedSession(each, opened[at]?.epoch ?? 0, { stateExpiresAt: 0 })
  }
}

/** What general topics retain: stored, found by a pattern, removed when it has expired. */
async function retainedTopics(t: Test, url: string): Promise<void> {
  const clock = { now: 1_800_000_000_000 }
  const topics = openRedisRetained({ url, prefix: 'push', now: () => clock.now })
  t.teardown(() => topics.close())
  const names = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const { topic } of topics.matching('x/#')) found.push(topic)
    return found.toSorted()
  }
  for (const topic of ['x/1', 'x/2']) {
    const expiresAt = topic === 'x/1' ? clock.now + 1 : Infinity
    await topics.retain({ ...message(topic), storedAt: clock.now, expiresAt, retain: true, topic, qos: 1 })
  }
  t.same(await names(), ['x/1', 'x/2'])
  clock.now += 1
  t.same(await names(), ['x/2'])
}

/** Two of them, on two nodes. */
async function users(t: Test, node: MqttTarget, other: MqttTarget): Promise<void> {
  const listener = await connect(t, node, JOE, { ...KEPT, clientId: 'listener' })
  await listener.subscribe(['a/+', '$share/group/b/#'], { qos: 2 })
  const speaker = await connect(t, other, JOE, { clientId: 'speaker' })
  for (const qos of [0, 1, 2] as const) await speaker.publish('a/b', `${qos}`, { qos, retain: true })
  t.same((await listener.nextN(3)).map(({ text }) => text).toSorted(), ['0', '1', '2'])
  await speaker.publish('b/c', 'shared')
  t.equal((await listener.next()).text, 'shared')
  const late = await connect(t, other, JOE, { clientId: 'late' })
  await late.subscribe('a/#')
  t.match(await late.next(), { text: '2', retain: true })
}

await t.test('the documented user', async (t) => {
  const redis = await startRedis(t)
  const redisUrl = await withUser(redis, documented)
  const node = await embed(t, { redisUrl })
  const other = await embed(t, { redisUrl })
  const provider = await connectProvider(t, other)
  await provider.subscribe('shop/u/#')
  const issued = await issueToken(node, { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' })
  const { private: own, broadcast = '' } = issued.topics
  const device = await connectDevice(t, node, issued, { clean: false, properties: { sessionExpiryInterval: 60 } })
  await device.subscribe([own, broadcast])
  await send(other, { token: issued.tokenId }, 'private')
  await send(other, { app: 'shop', versions: '*' }, 'all')
  t.same((await device.nextN(2)).map(({ text }) => text).sort(), ['all', 'private'])
  await device.publish(`shop/u/${issued.tokenId}/up`, 'upstream')
  t.equal((await provider.next()).text, 'upstream')
  await users(t, node, other)
  const ready = await request(node, 'GET', '/readyz')
  t.match(ready, { status: 200 })
  t.notMatch(ready.text, /forbidden/)
  await retainedTopics(t, redisUrl)
  const store = await redisStore(t, { url: redisUrl })
  await sessionsByName(t, store)
  await store.sweep()
  t.equal(await redis.cli('acl', 'log'), '', 'nothing was refused')
})

await t.test('the documented user, in a Cluster', async (t) => {
  const cluster = await startRedisCluster(t)
  const urls = await Promise.all(cluster.nodes.map((server) => withUser(server, documented)))
  const store = await redisStore(t, { url: urls.join(',') })
  const token = await known(store, 'phone')
  const { offset } = await store.append({ tokenId: token, message: message('one'), dedupe: true })
  await store.commit([{ tokenId: token, private: offset }])
  await sessionsByName(t, store)
  t.notMatch((await store.health()).warnings, [/forbidden/])
  await retainedTopics(t, urls.join(','))
  await store.sweep()
  for (const server of cluster.nodes) t.equal(await server.cli('acl', 'log'), '', 'nothing was refused')
})

await t.test('rights that are missing end the start at once', async (t) => {
  const redis = await startRedis(t)
  const start = async (rights: readonly string[]) => {
    const redisUrl = await withUser(redis, ['push', 'reset', ...rights.slice(1)])
    const push = await createPush({ dataDir: temporaryFolder(t, 'refused'), providers: [], redisUrl })
    await push.close()
  }
  const missing = { code: 'STORE_UNAVAILABLE', message: /NOPERM/ }
  await t.rejects(start(documented.filter((right) => right !== '&push:*')), missing, 'channels')
  await t.rejects(start([...documented, '-@scripting']), missing, 'scripts')
  await t.rejects(start([...documented, '-subscribe']), missing, 'wakes')
  await t.rejects(start(documented.filter((right) => right !== '~{push:*')), missing, 'keys')
})
