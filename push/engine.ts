/** The engine: the embedded store, or Redis. */
import { join } from 'node:path'
import { fileSecrets, firstFrom, type Secrets } from '../auth/index.ts'
import { retainedInStore, type RetainedMessages } from '../broker/index.ts'
import { openLevelStore, type Store, type StoreOptions } from '../store/index.ts'
import type { PushOptions } from './options.ts'

const DEFAULT_PREFIX = 'push'

type EngineOptions = Pick<PushOptions, 'dataDir' | 'redisUrl' | 'redisPrefix' | 'redisReplicas' | 'generalStore'>

export interface Engine {
  /** Not open. */
  readonly store: Store
  /** Of general topics, where it is another one; not open. */
  readonly general: Store | undefined
  readonly secrets: Secrets
  /** Retained messages of general topics; call it when the store is open. */
  openRetained(): RetainedMessages
}

/**
 * With the embedded store, secrets are files that an operator can read, back up and replace. With Redis, all nodes
 * share them; if there is none yet, a secret that this node has as a file from an earlier embedded store becomes the
 * shared one.
 */
export async function engineOf(
  options: EngineOptions,
  storeOptions: StoreOptions,
  warn: (message: string) => void,
): Promise<Engine> {
  const { dataDir, redisUrl: url, redisPrefix: prefix = DEFAULT_PREFIX, redisReplicas: replicas = 0 } = options
  const filesIn = (directory: string) => fileSecrets(join(directory, 'keys'), { warn: warn })
  if (url !== undefined) {
    const { openRedisStore } = await import('../store/redis/index.ts')
    const { openRedisRetained } = await import('../broker/aedes/redis-retained.ts')
    const store = openRedisStore({ ...storeOptions, url, prefix, replicas })
    const secrets = dataDir === undefined ? store : firstFrom(filesIn(dataDir), store)
    return {
      store,
      general: undefined,
      secrets,
      openRetained: () => openRedisRetained({ url, prefix, now: storeOptions.now ?? Date.now }),
    }
  }
  if (dataDir === undefined) throw new Error('createPush: dataDir is missing; give it, or redisUrl')
  const store = openLevelStore({ ...storeOptions, directory: join(dataDir, 'store') })
  const general =
    options.generalStore === 'memory' ? openLevelStore({ ...storeOptions, directory: undefined }) : undefined
  return {
    store,
    general,
    secrets: filesIn(dataDir),
    openRetained: () => retainedInStore((general ?? store).retainedTopics),
  }
}
