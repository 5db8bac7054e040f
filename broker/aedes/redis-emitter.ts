/** How the nodes' Aedes hear of each other: mqemitter-redis, whose channels are made ours. */
import type { Cluster, Redis } from 'ioredis'
import MQEmitterRedis from 'mqemitter-redis'

interface RedisEmitterOptions {
  /** Before every channel. */
  readonly prefix: string
  readonly publisher: Redis | Cluster
  readonly subscriber: Redis | Cluster
}

/**
 * mqemitter-redis 7.2.1 has a prefix of its own, and with it forgets all but the last filter of a listener: the others
 * stay forever. So the prefix is put on here, to what is published and to what is asked for.
 */
export function createRedisEmitter({ prefix, publisher, subscriber }: RedisEmitterOptions): object {
  const emitter = new MQEmitterRedis({
    subConn: subscriber,
    pubConn: withPrefix(publisher, prefix),
    matchEmptyLevels: true,
  })
  emitter._subTopic = (filter) => (/[+#]/.test(filter) ? patternOf(prefix, filter) : prefix + filter)
  emitter.state.on('error', () => undefined)
  // Its own waits until both connections tell that they have ended, which ioredis 5.11.1 does not tell of one that is
  // closed while it waits for its next try. Whoever opened them ends them.
  emitter.close = (done = () => undefined) => emitter._close(done)
  return emitter
}

function withPrefix(client: Redis | Cluster, prefix: string): object {
  return {
    publish: (topic: string, message: Buffer) => client.publish(prefix + topic, message),
    on: client.on.bind(client),
    quit: () => client.quit(),
  }
}

/**
 * Matches at least the channels that the filter does; the emitter matches once more. What means something in a pattern
 * of Redis is escaped: a topic may have all of it. And the emitter counts channels and patterns by the same names, so a
 * pattern begins as no channel does.
 */
function patternOf(prefix: string, filter: string): string {
  const escaped = (prefix + filter).replace(/[\\*?[\]]/g, '\\$&')
  return `[${prefix[0]}]${escaped.slice(1).replace(/\/?#$/, '*').replaceAll('+', '*')}`
}
