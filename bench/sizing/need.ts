/** What an installation of N devices needs, from what was measured and from what devices do in a day. */
import type { Measured } from './measure.ts'
import type { Rates } from './rates.ts'

const DAY_S = 86_400
/** PUSH_SESSION_RECHECK. In it, each process asks each lane twice for its wakes; each device reads its log once in 60. */
const RECHECK_S = 30
const LOOKS = 2
const RECHECKS_OF_A_DEVICE = 60
/** A Cluster has a lane for each partition, one Redis has one. */
const LANES = 256
/** With more of them some of the 256 partitions weigh too much on one. */
const MOST_SHARDS = 64
const GIB = 1024 ** 3

/** Of a server, by `npm run bench`; CPU without that of Redis, us. */
export interface ServerCosts {
  readonly message: number
  readonly broadcast: number
  readonly resume: number
  /** Of a connected device, bytes. */
  readonly connection: number
}

export interface Need {
  readonly devices: number
  readonly messagesASecond: number
  readonly visitsASecond: number
  /** Cores of nodes and of Redis, at the peak, and at the load that is allowed. */
  readonly nodeCores: number
  readonly redisCores: number
  readonly nodeBytes: number
  readonly redisBytes: number
  readonly nodes: number
  readonly shards: number
  /** What of it asks for most. */
  readonly nodesBecause: string
  readonly shardsBecause: string
  /** All that are connected come back at once, and one broadcast reaches all of them, s. */
  readonly storm: number
  readonly broadcastToAll: number
  /** Cores of Redis that only look whether a wake was lost; part of `redisCores`. */
  readonly recheckCores: number
  /** Devices at which there would be as many shards as partitions can be spread over. */
  readonly most: number
}

/** Of a Redis, all scripts and keys go through one core. */
export function needOf({ devices, costs, bytes }: Measured, server: ServerCosts, rates: Rates): Need {
  const { peak, load } = rates
  const connected = devices * rates.connected
  const [messages, visits] = [rates.messages, rates.visits].map((each) => (devices * each) / DAY_S) as [number, number]
  const broadcasts = (connected * rates.broadcasts) / DAY_S
  const busyCores =
    (peak *
      (messages * (costs.send.redis + costs.acknowledge.redis) +
        visits * costs.visit.redis +
        broadcasts * costs['acknowledge a broadcast'].redis)) /
    1e6 /
    load
  const nodeCores =
    (peak * (messages * server.message + visits * server.resume + broadcasts * server.broadcast)) / 1e6 / load
  const nodeBytes = connected * server.connection
  const redisBytes = devices * (bytes.device + rates.waiting * bytes.message)
  const [byCores, byMemory] = [nodeCores / rates.cores, nodeBytes / (rates.memory * GIB) / load]
  const nodes = Math.max(2, Math.ceil(byCores), Math.ceil(byMemory))
  const shardsByMemory = redisBytes / (rates.redisMemory * GIB) / load
  const lanes = Math.max(busyCores, shardsByMemory) > 1 ? LANES : 1
  const looks = (nodes * rates.cores * lanes * LOOKS * costs['look alone'].redis) / RECHECK_S
  const reads = (connected * costs.recheck.redis) / (RECHECK_S * RECHECKS_OF_A_DEVICE)
  const recheckCores = (looks + reads) / 1e6 / load
  const redisCores = busyCores + recheckCores
  const shards = Math.max(1, Math.ceil(redisCores), Math.ceil(shardsByMemory))
  const atOnce = (node: number, redis: number): number =>
    Math.max((connected * node) / 1e6 / (nodes * rates.cores), (connected * redis) / 1e6 / shards)
  return {
    devices,
    messagesASecond: messages * peak,
    visitsASecond: visits * peak,
    nodeCores,
    redisCores,
    nodeBytes,
    redisBytes,
    nodes,
    shards,
    nodesBecause:
      nodes === 2 && Math.max(byCores, byMemory) < 2 ? 'two, as one may fail' : byCores > byMemory ? 'CPU' : 'memory',
    shardsBecause: shards === 1 ? 'one is enough' : redisCores > shardsByMemory ? 'CPU' : 'memory',
    recheckCores,
    most: devices * (MOST_SHARDS / Math.max(redisCores, shardsByMemory)),
    storm: atOnce(server.resume, costs.visit.redis),
    broadcastToAll: atOnce(server.broadcast, costs['acknowledge a broadcast'].redis),
  }
}
