/** The Redis engine. The embedded store does not load it or its client. */
export { unlessRefused } from './connection.ts'
export { openStateConnection } from './state-connection.ts'
export { openRedisStore, type RedisStoreOptions } from './store.ts'
