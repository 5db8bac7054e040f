/** Everybody who is measured. */
import { aedes } from './aedes.ts'
import { bare, bareHttp, bareStored, fastify, fastifyStored } from './bare.ts'
import type { Contender } from './contender.ts'
import { flashmq, nanomq } from './flashmq-nanomq.ts'
import { mosquitto, nats } from './native.ts'
import { ours } from './ours.ts'

export * from './contender.ts'

/** What the others are compared with. */
export const BASELINE = 'mosquitto'
const EDDSA = { PUSH_TOKEN_ALGORITHM: 'EdDSA' }

export const CONTENDERS: readonly Contender[] = [
  ours({ name: 'ours-level', about: 'aedes-push, embedded store: every message synced to disk' }),
  ours({ name: 'ours-redis', about: 'aedes-push on Redis, appendfsync everysec', fsync: 'everysec' }),
  ours({ name: 'ours-redis-always', about: 'aedes-push on Redis, appendfsync always', fsync: 'always' }),
  ours({
    name: 'ours-2-workers',
    about: 'aedes-push, 2 workers on Redis, appendfsync everysec',
    fsync: 'everysec',
    settings: { PUSH_WORKERS: '2' },
  }),
  ours({
    name: 'ours-2-nodes',
    about: 'aedes-push, 2 nodes on one Redis, appendfsync everysec; devices and publishers take turns',
    fsync: 'everysec',
    nodes: 2,
  }),
  ours({
    name: 'ours-8-workers',
    about: 'aedes-push, 8 workers on Redis, appendfsync everysec: more connections than one process may have files',
    fsync: 'everysec',
    settings: { PUSH_WORKERS: '8' },
    works: ['hold'],
  }),
  ours({
    name: 'ours-2-nodes-of-4',
    about:
      'aedes-push, 2 nodes of 4 workers each on one Redis, appendfsync everysec; devices and publishers take turns',
    fsync: 'everysec',
    nodes: 2,
    settings: { PUSH_WORKERS: '4' },
    works: ['hold'],
  }),
  ours({
    name: 'ours-level-eddsa',
    about: 'aedes-push, embedded store, EdDSA tokens',
    settings: EDDSA,
    works: ['connect'],
  }),
  aedes('aedes', 'Aedes alone, in memory', false),
  aedes('aedes-redis', 'Aedes, aedes-persistence-redis, mqemitter-redis, appendfsync everysec', true),
  mosquitto('mosquitto', 'Mosquitto, in memory', false),
  mosquitto('mosquitto-persistence', 'Mosquitto with persistence (a snapshot at intervals)', true),
  bare('bare', 'node:net that finds sockets by topic and writes once a turn: the floor of a server in Node, no broker'),
  bareStored(
    'bare-synced',
    'bare, and each message is in a file and synced to disk before it goes on: the floor of a durable server',
    'synced',
  ),
  bareStored(
    'bare-level',
    'bare, and each message is in classic-level, synced to disk, before it goes on: the floor of a server on that library',
    'level',
  ),
  bareStored(
    'bare-redis',
    'bare, and each message is in Redis before it goes on, by one MSET for all that waits: the floor of a server on Redis',
    'redis',
  ),
  fastify('fastify', 'a fastify route that checks the same body and answers the same, and delivers nothing'),
  fastifyStored(
    'fastify-synced',
    'fastify, and each message is in a file and synced to disk before the answer, and written to its devices as bare does',
    'synced',
  ),
  fastifyStored(
    'fastify-level',
    'fastify, and each message is in classic-level, synced to disk, before the answer, and written to its devices as bare does',
    'level',
  ),
  fastifyStored(
    'fastify-redis',
    'fastify, and each message is in Redis before the answer, as bare-redis stores it, and written to its devices as bare does',
    'redis',
  ),
  bareHttp('bare-http', 'node:http that answers every request with a stream on which nothing happens'),
  flashmq('flashmq', 'FlashMQ, which stores its sessions now and then'),
  nanomq('nanomq', 'NanoMQ, in memory'),
  nats('nats', 'NATS with JetStream (files) and its MQTT gateway'),
]
