declare module 'mqemitter-redis' {
  export class MQEmitterRedisPrefix {
    constructor(prefix: string, options: { subConn: object; pubConn: object; matchEmptyLevels: boolean })
  }
}
