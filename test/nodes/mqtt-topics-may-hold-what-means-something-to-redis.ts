// Do subscriptions over two nodes work for topics that hold characters of Redis' patterns, and end when they are ended?
import { t } from '../support/tap.ts'
import { createRedisEmitter } from '../../broker/aedes/redis-emitter.ts'
import { openStateConnection } from '../../store/redis/index.ts'
import { type Scope, eventually, startRedis } from '../support/index.ts'

interface Emitter {
  on(filter: string, listener: Listener, done?: () => void): void
  removeListener(filter: string, listener: Listener, done?: () => void): void
  emit(message: { topic: string }, done: (error?: Error) => void): void
}
type Listener = (message: { topic: string }, done: () => void) => void

function emitterOf(t: Scope, url: string, prefix = 'push:mqtt:mq:'): Emitter {
  const [publisher, subscriber] = [0, 1].map(() => openStateConnection({ url, keyPrefix: '' }).client)
  if (publisher === undefined || subscriber === undefined) throw new Error('two connections')
  t.teardown(() => [publisher, subscriber].forEach((client) => client.disconnect()))
  return createRedisEmitter({ prefix, publisher, subscriber }) as Emitter
}

const added = (emitter: Emitter, filter: string, listener: Listener) =>
  new Promise<void>((resolve) => emitter.on(filter, listener, resolve))
const removed = (emitter: Emitter, filter: string, listener: Listener) =>
  new Promise<void>((resolve) => emitter.removeListener(filter, listener, resolve))
const emitted = (emitter: Emitter, topic: string) =>
  new Promise<void>((resolve, reject) => emitter.emit({ topic }, (error) => (error ? reject(error) : resolve())))

function listening(): { heard: string[]; listener: Listener } {
  const heard: string[] = []
  const listener: Listener = ({ topic }, done) => {
    heard.push(topic)
    done()
  }
  return { heard, listener }
}

/** Filters with the topics that they match; all of the topics are published. */
const MATCHES: Readonly<Record<string, readonly string[]>> = {
  'a[1]/+': ['a[1]/x'],
  'a*/+': ['a*/x'],
  'a?/#': ['a?/x', 'a?'],
  'a\\b/+': ['a\\b/x'],
  'a^/x': ['a^/x'],
  'plain/*': ['plain/*'],
  'plain/+': ['plain/*', 'plain/y'],
  '**/#': ['**/x'],
  '+/x': ['a[1]/x', 'a*/x', 'a?/x', 'a\\b/x', 'a^/x', '**/x', 'a1/x'],
}

await t.test('topics with the characters of a pattern', async (t) => {
  const { url } = await startRedis(t)
  const [near, far] = [emitterOf(t, url), emitterOf(t, url)]
  const all = Object.keys(MATCHES).map((filter) => ({ filter, ...listening() }))
  for (const { filter, listener } of all) await added(near, filter, listener)
  const topics = [...new Set(Object.values(MATCHES).flat())]
  for (const topic of topics) await emitted(far, topic)
  await eventually('as many as match', () => all.every(({ filter, heard }) => heard.length >= MATCHES[filter]!.length))
  for (const { filter, heard } of all) t.same(new Set(heard), new Set(MATCHES[filter]), filter)
})

await t.test('a listener with two filters ends one of them', async (t) => {
  const { url } = await startRedis(t)
  const emitter = emitterOf(t, url)
  const { heard, listener } = listening()
  const other = listening()
  for (const filter of ['one', 'two']) {
    await added(emitter, filter, listener)
    await added(emitter, filter, other.listener)
  }
  await removed(emitter, 'one', listener)
  for (const topic of ['one', 'two']) await emitted(emitter, topic)
  await eventually('both topics', () => other.heard.length === 2 && heard.length > 0)
  t.same(heard, ['two'])
})

await t.test('installations with prefixes of their own hear nothing of each other', async (t) => {
  const { url } = await startRedis(t)
  const [one, other] = [emitterOf(t, url, 'one:'), emitterOf(t, url, 'other:')]
  const ours = listening()
  await added(one, '#', ours.listener)
  await emitted(other, 'x')
  await emitted(one, 'y')
  await eventually('ours', () => ours.heard.length > 0)
  t.same(ours.heard, ['y'])
})
