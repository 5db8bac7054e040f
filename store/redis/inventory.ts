/** Going through everything, a portion at a time. */
import type { KnownToken } from '../contract.ts'
import { type Client, servers } from './connection.ts'
import { tokenIdOf } from './events.ts'
import { appKey, appOfKey, broadcastBase, BUCKETS, bucketName, PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes, Result } from './lanes.ts'
import { asCursors } from './marks.ts'
import { unavailable } from './script.ts'
import { asBytes, asNumber, asText, BUCKET } from './steps.ts'

const BUCKETS_AT_ONCE = 8
const KEYS_A_SCAN = 1_000
/** What `bucket` answers for each token id. */
const FIELDS = 11

export async function* knownTokens(lanes: Lanes, prefix: string): AsyncIterable<KnownToken> {
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const base = partitionBase(prefix, partition)
    const first = Buffer.from([partition])
    for (let bucket = 0; bucket < BUCKETS; bucket += BUCKETS_AT_ONCE) {
      const numbers = Array.from({ length: BUCKETS_AT_ONCE }, (_, number) => bucket + number)
      const results = await Promise.all(numbers.map((number) => lanes.run(BUCKET, base, bucketName(number), first)))
      for (const result of results) yield* tokensOf(result)
    }
  }
}

function* tokensOf(result: Result): Iterable<KnownToken> {
  for (let at = 0; at + FIELDS <= result.length; at += FIELDS) {
    const [id, app, mark, expires, generation, revoked, current, cursor, broadcast, last, marks] = result.slice(
      at,
      at + FIELDS,
    )
    yield {
      registration: {
        tokenId: tokenIdOf(asBytes(id)),
        app: asText(app),
        deviceMark: asBytes(mark).toString('base64url'),
        expiresAt: asNumber(expires) * 1000,
      },
      generation: asNumber(generation),
      revoked: revoked === true,
      current: current === true,
      cursors: asCursors(cursor, broadcast, marks),
      privateEnd: asNumber(last),
    }
  }
}

/** Goes over all keys of every master: what no call that serves may do. */
export async function* knownApps(client: Client, prefix: string): AsyncIterable<string> {
  const apps = new Set<string>()
  try {
    for (const server of servers(client)) {
      let cursor = '0'
      do {
        const [next, keys] = await server.scan(
          cursor,
          'MATCH',
          appKey(broadcastBase(prefix, '*')),
          'COUNT',
          KEYS_A_SCAN,
        )
        for (const key of keys) {
          const app = appOfKey(prefix, key)
          if (app !== undefined) apps.add(app)
        }
        cursor = next
      } while (cursor !== '0')
    }
  } catch (error) {
    throw unavailable('the apps cannot be listed', error)
  }
  yield* apps
}
