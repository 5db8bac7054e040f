/** The embedded engine as suites for every engine make it: each has a folder of its own. */
import { openLevelStore, type LevelStoreOptions } from '../../../store/index.ts'
import { temporaryFolder } from '../../support/index.ts'
import type { Engine, EngineOptions } from './world.ts'

export async function levelEngine(options: EngineOptions): Promise<Engine> {
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
}

/** The same in memory, where nothing outlives `close`. */
export async function memoryEngine(options: EngineOptions): Promise<Engine> {
  const store = openLevelStore({ ...options, directory: undefined })
  await store.open()
  return {
    store,
    async reopen() {
      await store.close()
      await store.open()
      return store
    },
    close: () => store.close(),
  }
}
