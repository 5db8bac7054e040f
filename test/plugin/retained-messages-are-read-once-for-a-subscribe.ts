// Is a SUBSCRIBE of many filters answered with each retained message that one of them matches, read in one go?
import { t } from '../support/tap.ts'
import { openLevelState } from '../../broker/aedes/persistence.ts'
import { temporaryFolder } from '../support/index.ts'

await t.test('retained messages', async (t) => {
  const state = await openLevelState(temporaryFolder(t, 'retained'))
  const { persistence } = state
  const storing = persistence as unknown as { storeRetained(packet: object): Promise<void> }
  await persistence.setup({ id: 'broker' } as never)
  for (const topic of ['a/b', 'a/c', 'd', '$own/x'])
    await storing.storeRetained({ cmd: 'publish', topic, payload: Buffer.from(topic), qos: 0, retain: true })

  const topicsFor = async (filters: readonly string[]) => {
    const topics: string[] = []
    for await (const packet of persistence.createRetainedStreamCombi(filters))
      topics.push((packet as { topic: string }).topic)
    return topics.sort()
  }

  t.same(await topicsFor(['a/b']), ['a/b'])
  t.same(await topicsFor(['a/+', 'a/b', 'd', 'none']), ['a/b', 'a/c', 'd'], 'each once')
  t.same(await topicsFor(['#']), ['a/b', 'a/c', 'd'], 'not what begins with $')
  t.same(await topicsFor(['$own/#']), ['$own/x'])
  await state.close()
  t.same(await topicsFor(['#']), [], 'nothing when it is closed')
})
