// While the signing key is rotated on two nodes, and the old one retired after it, is any device or any other verifier refused?
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import { t } from '../support/tap.ts'
import { connectDevice, eventually, issueToken, request, startRedis, type Issued } from '../support/index.ts'
import { embed, type Embedded } from '../plugin/support/embed.ts'

const SECOND = 1_000
/** From the rotation until the new key signs. */
const PUBLISHED = 360 * SECOND
const DEVICES = 6

/** As other services do: keys are fetched again when their time is over, and not before. jose would look at the clock. */
function cachedKeys(node: Embedded, now: () => number): () => Promise<ReturnType<typeof createLocalJWKSet>> {
  let until = 0
  let keys: Promise<ReturnType<typeof createLocalJWKSet>> | undefined
  return async () => {
    if (keys !== undefined && now() < until) return await keys
    until = Number.POSITIVE_INFINITY
    const fetched = request(node, 'GET', '/.well-known/jwks.json', { bearer: null })
    keys = fetched.then(({ headers, body }) => {
      until = now() + Number(/max-age=(\d+)/.exec(headers['cache-control'] ?? '')?.[1]) * SECOND
      return createLocalJWKSet(body as JSONWebKeySet)
    })
    return await keys
  }
}

for (const algorithm of ['ES256', 'HS256'] as const) {
  await t.test(algorithm, async (t) => {
    const redis = await startRedis(t)
    let ahead = 0
    const now = () => Date.now() + ahead
    const nodes = await Promise.all([1, 2].map(() => embed(t, { redisUrl: redis.url, algorithm, now })))
    const [a, b] = nodes as [Embedded, Embedded]
    const pick = (n: number) => (n % 2 === 0 ? a : b)
    const caches = nodes.map((node) => cachedKeys(node, now))
    const verified = async (token: string, n: number) => {
      if (algorithm === 'HS256') return
      const options = { issuer: 'aedes-push', audience: 'aedes-push', currentDate: new Date(now()) }
      await jwtVerify(token, await caches[n % 2]!(), options)
    }
    const kids = new Map<string, number>()
    let connects = 0
    let isOver = false
    /** Renews at one node, connects at another, verifies elsewhere, and goes on until the end. */
    const live = async (n: number) => {
      for (let round = n; !isOver; round++) {
        const issued: Issued = await issueToken(pick(round), { app: 'chat', device: `phone-${n}`, account: 'ann' })
        await verified(issued.token, round + 1)
        const device = await connectDevice(t, pick(round + 1), issued)
        await device.end()
        const { status } = await request(pick(round), 'GET', '/v1/messages', { bearer: issued.token })
        if (status !== 200) throw new Error(`a lookup was answered ${status}`)
        const { kid } = JSON.parse(Buffer.from(issued.token.split('.')[0] ?? '', 'base64url').toString())
        kids.set(kid, (kids.get(kid) ?? 0) + 1)
        connects++
      }
    }
    const failure = Promise.all(Array.from({ length: DEVICES }, (_, n) => live(n))).then(
      () => undefined,
      (error: unknown) => error ?? new Error('failed'),
    )
    const some = async (more: number) => {
      const from = connects
      await Promise.race([eventually('devices come', () => connects >= from + more), failure])
    }

    await some(20)
    const [old] = kids.keys()
    const { kid } = (await request(b, 'POST', '/v1/signing-keys/rotate')).body
    await some(20)
    t.same([...kids.keys()], [old], 'the new key waits')
    for (let step = 0; step < 6; step++) {
      ahead += PUBLISHED / 6
      await some(4)
    }
    await some(30)
    t.ok((kids.get(kid) ?? 0) > 0, 'the new key signs')
    // What is under way has a token of the old key.
    isOver = true
    t.equal(await failure, undefined, `not one of ${connects} connects, renewals and lookups was refused`)
    kids.clear()
    isOver = false
    const afterwards = Promise.all(Array.from({ length: DEVICES }, (_, n) => live(n))).then(
      () => undefined,
      (error: unknown) => error,
    )
    t.equal((await request(a, 'POST', `/v1/signing-keys/${old}/retire`)).status, 200)
    const from = connects
    await Promise.race([eventually('devices come', () => connects >= from + 30), afterwards])
    isOver = true
    t.equal(await afterwards, undefined, 'nor after the old one was retired')
    t.same([...kids.keys()], [kid])
  })
}
