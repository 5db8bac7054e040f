/** Everything that is measured, in the order of the report. */
import { connect } from './connect.ts'
import { broadcast, privatePublish } from './delivery.ts'
import { elsewhere } from './elsewhere.ts'
import { general } from './general.ts'
import { growth } from './growth/index.ts'
import { hold } from './hold.ts'
import { httpPublish } from './http-publish.ts'
import { idle } from './idle.ts'
import { lookup } from './lookup.ts'
import { offline } from './offline.ts'
import { redisMemory } from './redis-memory.ts'
import { start } from './start.ts'
import { storm } from './storm.ts'
import { streams } from './streams.ts'
import { upstream } from './upstream.ts'
import type { Work } from './work.ts'

export type * from './work.ts'

export const WORKS: readonly Work[] = [
  privatePublish,
  upstream,
  broadcast,
  general,
  httpPublish,
  connect,
  elsewhere,
  idle,
  offline,
  storm,
  hold,
  growth,
  start,
  lookup,
  streams,
  redisMemory,
]
