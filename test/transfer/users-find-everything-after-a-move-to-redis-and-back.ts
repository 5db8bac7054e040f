// Do users find their sessions, shared subscriptions and retained messages after a move to Redis, and after one back?
import { t } from '../support/tap.ts'
import {
  ann,
  bob,
  connect,
  type Device,
  type MqttTarget,
  passwordFile,
  type Scope,
  startRedis,
  startServer,
  temporaryFolder,
} from '../support/index.ts'
import { move } from './support/move.ts'

const FILTERS = ['house/#', '$share/group/work/#'] as const
const KEPT = { clientId: 'phone', clean: false, properties: { sessionExpiryInterval: 86_400 } }

/** With a session that is kept. */
async function annAt(t: Scope, server: MqttTarget): Promise<Device> {
  return await connect(t, server, ann, KEPT)
}

/** What one who subscribes now gets. */
async function retainedAt(t: Scope, server: MqttTarget): Promise<string[]> {
  const newcomer = await connect(t, server, bob)
  // Retained messages come in the order of the subscriptions, and whatever is published meanwhile may come before them.
  await newcomer.publish('last', 'last', { retain: true })
  await newcomer.subscribe(['state/#', 'last'], { qos: 1 })
  const texts: string[] = []
  for (;;) {
    const { text, retain } = await newcomer.next()
    if (text === 'last') break
    texts.push(retain ? `[${text}]` : text)
  }
  await newcomer.end()
  return texts.toSorted()
}

async function publishAll(t: Scope, server: MqttTarget, round: string): Promise<void> {
  const sender = await connect(t, server, bob)
  for (const qos of [1, 2] as const) {
    await sender.publish('house/door', `house ${qos} ${round}`, { qos })
    await sender.publish('work/1', `work ${qos} ${round}`, { qos })
  }
  await sender.publish('state/door', `door ${round}`, { retain: true })
  await sender.end()
}

function expected(round: string): string[] {
  return [`house 1 ${round}`, `house 2 ${round}`, `work 1 ${round}`, `work 2 ${round}`]
}

/** Whatever order the logs are read in, each has its own. */
async function takeAll(device: Device, count: number): Promise<string[]> {
  const texts = (await device.nextN(count)).map(({ text }) => text)
  return texts.toSorted()
}

await t.test('a move there and back', async (t) => {
  const settings = { PUSH_PASSWORD_FILE: passwordFile(t) }
  const dataDir = temporaryFolder(t, 'data')
  const first = await startServer(t, { dataDir, settings })
  const before = await annAt(t, first)
  t.same(await before.subscribe(FILTERS, { qos: 2 }), [2, 2])
  await publishAll(t, first, 'heard')
  t.same(await takeAll(before, 4), expected('heard'))
  await before.end()
  await publishAll(t, first, 'on the embedded store')
  t.equal(await first.stop(), 0)

  const redis = await startRedis(t)
  const inRedis = { PUSH_REDIS_URL: redis.url }
  await move(t, { PUSH_DATA_DIR: dataDir }, { ...inRedis, PUSH_DATA_DIR: temporaryFolder(t, 'data') })
  const one = await startServer(t, { dataDir, settings: { ...settings, ...inRedis } })
  const other = await startServer(t, { settings: { ...settings, ...inRedis } })

  await t.test('on Redis', async (t) => {
    const device = await annAt(t, other)
    t.equal(device.connack.sessionPresent, true)
    t.same(await takeAll(device, 4), expected('on the embedded store'), 'what waited for the session and the group')
    t.same(await retainedAt(t, one), ['[door on the embedded store]'])
    await publishAll(t, one, 'live')
    t.same(await takeAll(device, 4), expected('live'), 'it is subscribed as before, and nothing comes twice')
    await device.end()
    await publishAll(t, one, 'in Redis')
    t.same([await one.stop(), await other.stop()], [0, 0])
  })

  const back = temporaryFolder(t, 'data')
  await move(t, { ...inRedis, PUSH_DATA_DIR: dataDir }, { PUSH_DATA_DIR: back })
  await redis.kill()
  const last = await startServer(t, { dataDir: back, settings })

  await t.test('on the embedded store again', async (t) => {
    const device = await annAt(t, last)
    t.equal(device.connack.sessionPresent, true)
    t.same(await takeAll(device, 4), expected('in Redis'))
    t.same(await retainedAt(t, last), ['[door in Redis]'])
    await publishAll(t, last, 'live')
    t.same(await takeAll(device, 4), expected('live'))
  })
})
