// Does the store in memory do what the contract says of general topics, and is it empty for who opens another one?
import { t } from '../support/tap.ts'
import { openLevelStore } from '../../store/index.ts'
import { generalTopics } from './conformance.ts'
import { memoryEngine } from './support/level-engine.ts'

await generalTopics(t, memoryEngine)

await t.test('another one', async (t) => {
  const [one, other] = [openLevelStore({ directory: undefined }), openLevelStore({ directory: undefined })]
  for (const store of [one, other]) await store.open()
  t.teardown(() => Promise.all([one.close(), other.close()]))
  await one.openNamedSession('u/ann/a', false)
  for await (const { name } of other.namedSessions()) t.fail(name)
})
