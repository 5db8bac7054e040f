// Does the embedded engine do what the store contract says?
import { t } from '../support/tap.ts'
import { openLevelStore, type LevelStoreOptions } from '../../store/index.ts'
import { temporaryFolder } from '../support/index.ts'
import { conformance, type EngineOptions } from './conformance.ts'

await conformance(t, async (options: EngineOptions) => {
  const teardowns: (() => unknown)[] = []
  const directory = temporaryFolder({ teardown: (clean) => teardowns.push(clean) }, 'level')
  const settings: LevelStoreOptions = { ...options, directory }
  let store = openLevelStore(settings)
  await store.open()
  return {
    store,
    async reopen() {
      await store.close()
      store = openLevelStore(settings)
      await store.open()
      return store
    },
    async close() {
      await store.close()
      for (const clean of teardowns) await clean()
    },
  }
})
