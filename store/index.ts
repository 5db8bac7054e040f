/** The store: its contract, the making of messages, and the engines. */
export * from './contract.ts'
export * from './message.ts'
export { openProblem, unavailable } from './level/database.ts'
export type { LevelStoreOptions } from './level/engine.ts'
export { openLevelStore } from './level/store.ts'
export { parseAddress } from './redis/address.ts'
export { isKeyPrefix } from './redis/keys.ts'
export { redisFault } from './redis/fault.ts'
