/** Going through many keys, a portion at a time. */
import type { Database, Range } from './database.ts'

const PORTION = 500

export async function* keysIn(database: Database, { gte, lt }: Range): AsyncIterable<Buffer> {
  for (let from = gte; ; ) {
    const keys = await database.keys({ gte: from, lt }, PORTION)
    yield* keys
    const last = keys.at(-1)
    if (last === undefined || keys.length < PORTION) return
    from = Buffer.concat([last, Buffer.from([0])])
  }
}
