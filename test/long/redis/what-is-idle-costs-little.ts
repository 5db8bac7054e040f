// With 100,000 tokens: what do an idle token, a pending message, an acknowledged log and a remembered id cost, and what a
// broadcast?
import { t } from '../../support/tap.ts'
import type { Store } from '../../../store/contract.ts'
import { startRedis, type Redis } from '../../support/index.ts'
import { redisStore } from '../../redis/support/engine.ts'
import { APP, idOf, message, register } from '../../redis/support/people.ts'

const TOKENS = 100_000
const WITH_ONE = 50_000
const WITH_FIVE = 10_000
const ROUNDS = 5
/** Ids of one token id that are remembered; Redis keeps more than 128 in another way. */
const FEW_IDS = 10
const MANY_IDS = 1_000
const WITH_MANY = 20
/** A probe publishes, too: none comes while commands are counted. */
const PROBE_MS = 600_000
const TOGETHER = 2_000
/** A cursor is cut to the end of its log. */
const EVERYTHING = Number.MAX_SAFE_INTEGER
const PAYLOAD = Buffer.alloc(200, 'x')
/** As long as the ids that the server makes. */
const id = (number: number): string => String(number).padStart(22, '0')

async function forAll(work: (number: number) => Promise<unknown>, count = TOKENS): Promise<void> {
  for (let from = 0; from < count; from += TOGETHER) {
    const some = Array.from({ length: Math.min(TOGETHER, count - from) }, (_, position) => work(from + position))
    await Promise.all(some)
  }
}

async function used(redis: Redis): Promise<number> {
  const memory = await redis.cli('info', 'memory')
  const bytes = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(memory)?.[1])
  // Without the buffers of connections, which say nothing of what is stored.
  return bytes('used_memory') - bytes('mem_clients_normal')
}

const send = (store: Store, number: number, tokenId: string, dedupe = false) =>
  store.append({ tokenId, message: message(id(number), PAYLOAD), dedupe })

/** Commands and bytes of one broadcast, to whoever is there. */
async function broadcastCost(redis: Redis, store: Store): Promise<Record<string, number>> {
  await redis.cli('config', 'resetstat')
  const before = await used(redis)
  await store.appendBroadcast({ app: APP, selector: { kind: 'all' }, message: message('all'), dedupe: false })
  const stats = await redis.cli('info', 'commandstats')
  const commands = [...stats.matchAll(/cmdstat_(hset|set|publish|zadd|fcall|hget|get):calls=(\d+)/g)]
  t.comment(`a broadcast: ${(await used(redis)) - before} bytes more`)
  return Object.fromEntries(commands.map(([, name, calls]) => [name, Number(calls)]))
}

await t.test('100,000 tokens', async (t) => {
  // The histograms of latency are allocated as commands are used.
  const redis = await startRedis(t, { config: { appendonly: 'no', 'latency-tracking': 'no' } })
  const store = await redisStore(t, { url: redis.url, limits: { redisTimeoutMs: 60_000, redisProbeMs: PROBE_MS } })
  const devices = Array.from({ length: TOKENS }, (_, number) => `device-${number}`)
  const tokens = devices.map((device) => idOf(device))
  const tokenOf = (number: number): string => tokens[number] ?? ''

  await forAll((number) => register(store, devices[number] ?? ''), 1_000)
  await broadcastCost(redis, store)
  const small = await broadcastCost(redis, store)
  const empty = await used(redis)
  await forAll((number) => register(store, devices[number + 1_000] ?? ''), TOKENS - 1_000)
  const idle = await used(redis)
  const perToken = (idle - empty) / (TOKENS - 1_000)
  t.comment(`an idle token: ${perToken.toFixed(0)} bytes`)
  t.ok(perToken <= 150, `an idle token takes ${perToken.toFixed(0)} bytes, at most 150`)
  t.same(await broadcastCost(redis, store), small, 'a broadcast is the same work for 1,000 and 100,000 devices')

  await forAll((number) => send(store, number, tokenOf(number)), WITH_ONE)
  const one = ((await used(redis)) - idle) / WITH_ONE - PAYLOAD.length
  t.comment(`a pending message, one a token: payload and ${one.toFixed(0)} bytes`)
  t.ok(one <= 140, `one pending message a token takes ${one.toFixed(0)} bytes more than its payload, at most 140`)
  await forAll((number) => store.commit([{ tokenId: tokenOf(number), private: EVERYTHING }]), WITH_ONE)
  const acknowledged = ((await used(redis)) - idle) / WITH_ONE
  t.comment(`after it was acknowledged: ${acknowledged.toFixed(0)} bytes a token`)
  t.ok(acknowledged < 20, 'the log of a device that has acknowledged everything takes nothing')

  const before = await used(redis)
  for (let round = 0; round < ROUNDS; round += 1) {
    await forAll((number) => send(store, round * WITH_FIVE + number, tokenOf(number)), WITH_FIVE)
  }
  const perMessage = ((await used(redis)) - before) / WITH_FIVE / ROUNDS - PAYLOAD.length
  t.comment(`a pending message, five a token: payload and ${perMessage.toFixed(0)} bytes`)
  t.ok(perMessage <= 120, `five pending messages a token take ${perMessage.toFixed(0)} bytes each more, at most 120`)

  const remembered = async (ids: number, from: number, tokenIds: number): Promise<number> => {
    const acknowledge = (number: number) => store.commit([{ tokenId: tokenOf(from + number), private: EVERYTHING }])
    await forAll(acknowledge, tokenIds)
    const start = await used(redis)
    for (let round = 0; round < ids; round += 1) {
      await forAll((number) => send(store, round * tokenIds + number, tokenOf(from + number), true), tokenIds)
    }
    await forAll(acknowledge, tokenIds)
    return ((await used(redis)) - start) / tokenIds / ids - id(0).length
  }
  const few = await remembered(FEW_IDS, 0, WITH_FIVE)
  const many = await remembered(MANY_IDS, WITH_FIVE, WITH_MANY)
  t.comment(
    `a remembered id, ${FEW_IDS} a token: the id and ${few.toFixed(0)} bytes; ${MANY_IDS} a token: ${many.toFixed(0)}`,
  )
  t.ok(few <= 60, `a remembered id takes ${few.toFixed(0)} bytes more than itself, at most 60`)
  t.ok(many <= 110, `one of many takes ${many.toFixed(0)} bytes more than itself, at most 110`)
})
