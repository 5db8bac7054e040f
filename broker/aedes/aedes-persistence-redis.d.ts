declare module 'aedes-persistence-redis' {
  /** @param options `conn`, an ioredis client, and whether it is a Cluster */
  export default function persistence(options: {
    conn: object
    cluster: boolean
  }): import('./persistence.ts').AedesPersistence
}

declare module 'mqemitter-redis' {
  import type { EventEmitter } from 'node:events'

  export class MQEmitterRedisPrefix {
    constructor(prefix: string, options: { subConn: object; pubConn: object; matchEmptyLevels: boolean })
    readonly state: EventEmitter
  }
}
