// Does `mosquitto_sub` see the same after the mosquitto.db of a Mosquitto was imported: retained, sessions and their queues?
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import {
  eventually,
  mosquittoPub,
  mosquittoRun,
  mosquittoSub,
  type MosquittoTarget,
  runCommand,
  type Scope,
  temporaryFolder,
} from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startMosquitto } from '../bridges/support/mosquitto.ts'
import { serve } from '../bridges/support/serve.ts'

const SESSIONS = 20
const QUEUED = 50
const RETAINED = Array.from({ length: 1_000 }, (_, at) => `r/${at}`)

await t.test('the same again', async (t) => {
  const before = await startMosquitto(t)
  for (let at = 0; at < SESSIONS; at++) await session(t, before, at, '-E')
  const publisher = await connectAsync({ port: before.mqttPort, host: '127.0.0.1', protocolVersion: 5 })
  t.teardown(() => publisher.endAsync(true))
  await Promise.all(RETAINED.map((topic) => publisher.publishAsync(topic, `of ${topic}`, { qos: 1, retain: true })))
  const properties = { contentType: 'text/x', userProperties: { k: 'v' }, messageExpiryInterval: 1_000 }
  for (let at = 0; at < QUEUED; at++) {
    await publisher.publishAsync('q/one', `${at}`, { qos: 1 })
    await publisher.publishAsync('q/two', `${at}`, { qos: 2, properties })
  }
  await publisher.publishAsync('r/later', 'expired', {
    qos: 1,
    retain: true,
    properties: { messageExpiryInterval: 1 },
  })
  const expired = Date.now() + 1_000
  await before.stop('SIGTERM')
  await eventually('its expiry', () => Date.now() > expired)

  const file = join(before.folder, 'mosquitto.db')
  const dataDir = temporaryFolder(t, 'imported')
  const first = await runCommand(t, ['import-mosquitto', file], { PUSH_DATA_DIR: dataDir })
  t.match(first, { code: 0 })
  t.match(first.errors, /imported 1000 retained messages, and 20 sessions with 20 subscriptions and 2000 messages/)
  const again = await runCommand(t, ['import-mosquitto', file], { PUSH_DATA_DIR: dataDir })
  t.match(again.errors, /imported 0 retained messages, and 0 sessions/, 'a second time, nothing is doubled')
  t.match(again.errors, /were here already, and stay as they are/)

  const after = await serve(t, { dataDir })
  const found = await mosquittoRun(t, 'mosquitto_sub', after, ['-t', 'r/#', '-F', '%t %p %r', '-C', '1000'])
  const wanted = RETAINED.map((topic) => `${topic} of ${topic} 1`)
  t.same(
    new Set(
      found
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('r/later')),
    ),
    new Set(wanted),
  )
  const queue = Array.from({ length: QUEUED }, (_, at) => `${at}`)
  for (let at = 0; at < SESSIONS; at++) {
    const text = await session(t, after, at, '-C', `${2 * QUEUED}`, '-F', '%t %p')
    const lines = text.trim().split('\n')
    for (const topic of ['q/one', 'q/two'])
      t.same(
        lines.filter((line) => line.startsWith(topic)),
        queue.map((payload) => `${topic} ${payload}`),
      )
  }
  const live = await mosquittoSub(t, after, '-c', '-i', 'kept-3', '-t', 'other', '-q', '2')
  await mosquittoPub(t, after, '-t', 'q/new', '-q', '1', '-m', 'new')
  t.match(await live.next(), { topic: 'q/new', payload: 'new' }, 'its subscription is there')
})

await t.test('MQTT 5', async (t) => {
  const before = await startMosquitto(t)
  const options = ['-V', '5', '-c', '-x', '1000', '-i', 'five', '-q', '2', '-t', 'a/#']
  await mosquittoRun(t, 'mosquitto_sub', before, [...options, '-E', '-D', 'subscribe', 'subscription-identifier', '7'])
  const properties = ['-D', 'publish', 'content-type', 'text/x', '-D', 'publish', 'user-property', 'k', 'v']
  const more = ['-D', 'publish', 'message-expiry-interval', '1000', '-D', 'publish', 'response-topic', 'answers']
  await mosquittoPub(t, before, '-V', '5', '-t', 'a/b', '-q', '2', '-m', 'five', ...properties, ...more)
  await before.stop('SIGTERM')
  const dataDir = temporaryFolder(t, 'imported')
  const file = join(before.folder, 'mosquitto.db')
  t.match(await runCommand(t, ['import-mosquitto', file], { PUSH_DATA_DIR: dataDir }), { code: 0 })
  const after = await serve(t, { dataDir })
  const sub = await mosquittoSub(t, after, ...options)
  t.match(await sub.next(), {
    topic: 'a/b',
    payload: 'five',
    qos: 2,
    properties: { 'content-type': 'text/x', 'response-topic': 'answers', 'user-properties': { k: 'v' } },
  })
})

function session(t: Scope, target: MosquittoTarget, at: number, ...args: readonly string[]): Promise<string> {
  const own = ['-c', '-i', `kept-${at}`, '-t', 'q/#', '-q', '2']
  return mosquittoRun(t, 'mosquitto_sub', target, [...own, ...args])
}
