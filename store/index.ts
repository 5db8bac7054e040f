/** The store: its contract, the making of messages, and the engines. */
export * from './contract.ts'
export * from './message.ts'
export { openLevelStore, type LevelStoreOptions } from './level/store.ts'
export { unlessRefused } from './redis/connection.ts'
export { redisFault } from './redis/fault.ts'
export { openRedisStore, type RedisStoreOptions } from './redis/index.ts'
export { openStateConnection, type StateConnection } from './redis/state-connection.ts'
