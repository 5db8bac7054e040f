/** Where the floors put messages: plain, with nothing but what makes them durable. What comes while one write works goes with the next. */
import { open } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { Redis } from 'ioredis'

/** Resolves when all of them are stored. */
export type Write = (messages: readonly Buffer[]) => Promise<void>

async function toFile(): Promise<Write> {
  const log = await open('messages.log', 'a')
  return async (messages) => {
    await log.appendFile(Buffer.concat(messages))
    await log.datasync()
  }
}

/** A message is put in one batch, and taken out in the next one, as if it had been acknowledged. */
async function toLevel(): Promise<Write> {
  const level = new ClassicLevel<Buffer, Buffer>('messages', { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await level.open()
  let last = 0
  let before: Buffer[] = []
  return async (messages) => {
    const batch = level.batch()
    for (const key of before) batch.del(key)
    before = []
    for (const message of messages) {
      const key = Buffer.alloc(6)
      last += 1
      key.writeUIntBE(last, 0, 6)
      batch.put(key, message)
      before.push(key)
    }
    await batch.write({ sync: true })
  }
}

/** The same in Redis: one command for all of a write, and one for those before. */
async function toRedis(url: string): Promise<Write> {
  const redis = new Redis(url, { lazyConnect: true })
  await redis.connect()
  let last = 0
  let before: string[] = []
  return async (messages) => {
    const values = new Map<string, Buffer>()
    for (const message of messages) values.set(`m${(last += 1)}`, message)
    await Promise.all([before.length === 0 ? undefined : redis.del(...before), redis.mset(values)])
    before = [...values.keys()]
  }
}

/** @param place `synced`, a file; `level`, classic-level, synced; or a URL of Redis. Without it nothing is stored. */
export async function openWrite(place: string | undefined): Promise<Write | undefined> {
  if (place === undefined) return undefined
  if (place === 'synced') return await toFile()
  return place === 'level' ? await toLevel() : await toRedis(place)
}
