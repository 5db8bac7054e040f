declare module 'aedes-persistence-redis' {
  /** @param options `conn`, an ioredis client, and whether it is a Cluster */
  export default function persistence(options: { conn: object; cluster: boolean }): {
    setup(broker: object): Promise<void>
    incomingGetPacket(client: object, packet: object): Promise<unknown>
    addSubscriptions(client: object, subscriptions: object): Promise<unknown>
  }
}

declare module 'mqemitter-redis' {
  import type { EventEmitter } from 'node:events'

  export class MQEmitterRedisPrefix {
    constructor(prefix: string, options: { subConn: object; pubConn: object; matchEmptyLevels: boolean })
    readonly state: EventEmitter
  }
}
