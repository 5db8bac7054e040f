/** Going through everything, a portion at a time. */
import type { KnownToken } from '../contract.ts'
import type { Database, Range } from './database.ts'
import { orDamaged } from './durable.ts'
import { Kind, kindRange, nameOf } from './keys.ts'
import { cursorsOf, decodeToken } from './records.ts'

const PORTION = 500

/** What is not written to disk is not there. */
export async function* knownTokens(database: Database): AsyncIterable<KnownToken> {
  for await (const key of keysIn(database, kindRange(Kind.token))) {
    const bytes = database.get(key)
    if (bytes === undefined) continue
    const token = orDamaged(() => decodeToken(bytes))
    const { app, deviceMark, expiresAt, generation, revoked, current, log } = token
    yield {
      registration: { tokenId: nameOf(key), app, deviceMark, expiresAt },
      generation,
      revoked,
      current,
      cursors: cursorsOf(token),
      privateEnd: log.last,
    }
  }
}

export async function* knownApps(database: Database): AsyncIterable<string> {
  for await (const key of keysIn(database, kindRange(Kind.app))) yield nameOf(key)
}

export async function* keysIn(database: Database, { gte, lt }: Range): AsyncIterable<Buffer> {
  for (let from = gte; ; ) {
    const keys = await database.keys({ gte: from, lt }, PORTION)
    yield* keys
    const last = keys.at(-1)
    if (last === undefined || keys.length < PORTION) return
    from = Buffer.concat([last, Buffer.from([0])])
  }
}
