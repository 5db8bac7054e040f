/** MQTT state that is not push, shared by all nodes in Redis. */
import redisPersistence from 'aedes-persistence-redis'
import { MQEmitterRedisPrefix } from 'mqemitter-redis'
import { openStateConnection } from '../../store/index.ts'
import { overriding, type AedesPersistence, type OtherState } from './persistence.ts'

export interface RedisStateOptions {
  readonly url: string
  /** Of the installation. */
  readonly prefix: string
}

/** By aedes-persistence-redis and mqemitter-redis, under keys and channels of their own. */
export async function openRedisState({ url, prefix }: RedisStateOptions): Promise<OtherState> {
  const keyPrefix = `${prefix}:mqtt:`
  const state = openStateConnection({ url, keyPrefix })
  const publisher = openStateConnection({ url, keyPrefix: '' })
  const subscriber = openStateConnection({ url, keyPrefix: '' })
  const persistence = redisPersistence({ conn: state.client, cluster: state.isCluster })
  const mq = new MQEmitterRedisPrefix(`${keyPrefix}mq:`, {
    subConn: subscriber.client,
    pubConn: publisher.client,
    matchEmptyLevels: true,
  })
  mq.state.on('error', () => undefined)
  return {
    persistence: answeringEachSubscribe(persistence),
    mq,
    async close() {
      for (const { client } of [state, publisher, subscriber]) client.disconnect()
    },
  }
}

/**
 * Aedes stores the topics of one SUBSCRIBE once for each of them, all at the same time, and the persistence waits for
 * its own notice of each under one name: with an asynchronous emitter only the last is ever answered. So one SUBSCRIBE
 * is stored once.
 */
function answeringEachSubscribe(persistence: AedesPersistence): AedesPersistence {
  const storing = new WeakMap<object, Promise<unknown>>()
  return overriding(persistence, {
    addSubscriptions(client, subscriptions) {
      const known = storing.get(subscriptions)
      if (known !== undefined) return known
      const stored = persistence.addSubscriptions(client, subscriptions)
      storing.set(subscriptions, stored)
      return stored
    },
  })
}
