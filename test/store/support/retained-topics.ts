/** Retained messages of general topics, where the engine has them. */
import type { Test } from 'tap'
import type { RetainedTopicStore } from '../../../store/contract.ts'
import { DAY, type Draft, HOUR, type MakeEngine, scenario, text, type World } from './world.ts'

export async function retainedTopics(t: Test, makeEngine: MakeEngine): Promise<void> {
  await scenario(t, makeEngine, 'the last retained message of each general topic is kept', async (t, world) => {
    if (world.store.retainedTopics === undefined) return void t.pass('this engine leaves them to Aedes')
    const topics = ['a', 'a/b', 'a/b/ä', 'a b', 'b', '$x', 'constructor']
    const retain = (topic: string, draft: Draft = {}, qos: 0 | 1 | 2 = 1) =>
      storeOf(world).retainTopic({ ...world.message({ ttl: DAY, retain: true, ...draft }), topic, qos })
    t.same(await topicsOf(world, ''), [])
    for (const topic of topics) await retain(topic, { payload: topic })
    t.same(await topicsOf(world, ''), bytewise(topics), 'in the order of their bytes')
    t.same(await topicsOf(world, 'a'), bytewise(['a', 'a/b', 'a/b/ä', 'a b']))
    t.same(await topicsOf(world, 'a/'), ['a/b', 'a/b/ä'])
    t.same(await topicsOf(world, 'a/b/ä/'), [])

    await retain('a/b', { payload: 'newer', properties: Buffer.from([1, 1]), id: 'newer' }, 2)
    for await (const { topic, qos, id, properties, ...entry } of storeOf(world).retainedTopics('a/b')) {
      if (topic !== 'a/b') continue
      t.match({ qos, id, bytes: properties && [...properties] }, { qos: 2, id: 'newer', bytes: [1, 1] })
      t.equal(text({ ...entry, id, offset: 0 }), 'newer')
    }
    await retain('a/b', { payload: '' })
    await retain('never there', { payload: '' })
    await retain('soon over', { ttl: HOUR })
    await world.reopen()
    const left = topics.filter((topic) => topic !== 'a/b')
    t.same(await topicsOf(world, ''), bytewise([...left, 'soon over']))
    world.pass(HOUR)
    t.same(await topicsOf(world, ''), bytewise(left), 'before a sweep')
    await world.store.sweep()
    t.same(await topicsOf(world, ''), bytewise(left))
    world.pass(DAY)
    await world.store.sweep()
    t.same(await topicsOf(world, ''), [])
  })
}

function storeOf(world: World): RetainedTopicStore {
  const { retainedTopics } = world.store
  if (retainedTopics === undefined) throw new Error('the engine has no general topics')
  return retainedTopics
}

async function topicsOf(world: World, prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const { topic } of storeOf(world).retainedTopics(prefix)) found.push(topic)
  return found
}

function bytewise(topics: readonly string[]): string[] {
  return [...topics].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
}
