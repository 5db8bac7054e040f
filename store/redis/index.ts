/** The Redis engine. Who uses the embedded store does not load it, nor its client. */
export { unlessRefused } from './connection.ts'
export { openStateConnection } from './state-connection.ts'
export { openRedisStore, type RedisStoreOptions } from './store.ts'
