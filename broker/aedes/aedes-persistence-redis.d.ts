declare module 'aedes-persistence-redis' {
  /** @param options `conn`, an ioredis client, and whether it is a Cluster */
  export default function persistence(options: {
    conn: object
    cluster: boolean
  }): import('./contract.ts').AedesPersistence & import('./redis-retained.ts').RetainedPersistence
}

declare module 'mqemitter-redis' {
  import type { EventEmitter } from 'node:events'

  export class MQEmitterRedisPrefix {
    constructor(prefix: string, options: { subConn: object; pubConn: object; matchEmptyLevels: boolean })
    readonly state: EventEmitter
  }

  /** Listeners are by topic filter; what is emitted reaches those of every process on the same Redis. */
  class MQEmitterRedis {
    constructor(options: { subConn: object; pubConn: object; matchEmptyLevels: boolean })
    /** Of failures. */
    readonly state: EventEmitter
    /** The channel, or for a filter with wildcards the pattern of channels, of which Redis is asked. */
    _subTopic: (filter: string) => string
    close: (done?: () => void) => void
    /** Ends what is inside this process. */
    readonly _close: (done: () => void) => void
  }
  export default MQEmitterRedis
}
