// While others publish, does a provider have only a few messages under way, and does nobody wait behind all that it sends?
import { once } from 'node:events'
import { connect as openSocket } from 'node:net'
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { UnderWay } from '../../common/under-way.ts'
import { connect, issueToken, makeKey, metric, request } from '../support/index.ts'
import { embed } from '../plugin/support/embed.ts'

const atOnce = (_ms: number, then: () => void): void => then()

/** Work that ends when it is told to. */
function work() {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  return {
    begun,
    of: (name: string) => () =>
      new Promise<string>((resolve) => {
        begun.push(name)
        ends.set(name, () => resolve(name))
      }),
    end: async (name: string) => {
      ends.get(name)?.()
      // What waits for it begins.
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

await t.test('alone it has no limit, and beside others a small one', async (t) => {
  let now = 0
  const underWay = new UnderWay(2, () => now, atOnce)
  const { begun, of, end } = work()
  const run = (provider: string, name: string) => underWay.run(provider, of(name))
  const alone = ['a1', 'a2', 'a3', 'a4'].map((name) => run('a', name))
  t.same(begun, ['a1', 'a2', 'a3', 'a4'])
  const other = run('b', 'b1')
  const later = ['a5', 'a6', 'a7', 'a8', 'a9'].map((name) => run('a', name))
  t.same(begun.slice(4), ['b1', 'a5', 'a6'], 'who comes begins at once, and so do two more of who is there')
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1']) await end(name)
  t.same(begun.slice(7), [], 'the rest waits for those')
  await end('a5')
  await end('a6')
  t.same(begun.slice(7), ['a7', 'a8'], 'in its order')

  now += 10_000
  const after = run('a', 'a10')
  t.same(begun.slice(9), [], 'behind those that wait')
  await end('a7')
  t.same(begun.slice(9), ['a9', 'a10'], 'and when the other one has been gone for a while, all of it')
  for (const name of ['a8', 'a9', 'a10']) await end(name)
  const all = await Promise.all([...alone, other, ...later, after])
  t.same(all, ['a1', 'a2', 'a3', 'a4', 'b1', 'a5', 'a6', 'a7', 'a8', 'a9', 'a10'])
})

await t.test('who has always more lets the store rest for as long as it was busy', async (t) => {
  let now = 0
  const rests: { ms: number; goOn: () => void }[] = []
  const underWay = new UnderWay(
    2,
    () => now,
    (ms, goOn) => void rests.push({ ms, goOn }),
  )
  const { begun, of, end } = work()
  const run = (provider: string, name: string) => underWay.run(provider, of(name))
  const other = run('b', 'b1')
  const all = ['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => run('a', name))
  now += 7
  await end('a1')
  t.same(rests, [], 'not before all of it ended')
  await end('a2')
  t.same(begun, ['b1', 'a1', 'a2'])
  t.equal(rests[0]?.ms, 7)
  const last = run('a', 'a6')
  await end('b1')
  const second = run('b', 'b2')
  t.same(begun, ['b1', 'a1', 'a2', 'b2'], 'who has less than that does not rest')
  rests[0]?.goOn()
  t.same(begun.slice(4), ['a3', 'a4'])
  now += 70
  for (const name of ['a3', 'a4']) await end(name)
  t.equal(rests[1]?.ms, 20, 'nobody rests for long')
  rests[1]?.goOn()
  for (const name of ['a5', 'a6', 'b2']) await end(name)
  t.equal(rests.length, 2, 'nor when nothing waits')
  await Promise.all([other, second, last, ...all])
  t.equal(underWay.room('a'), undefined)
})

await t.test('what fails makes room too, and what waits has an end', async (t) => {
  const underWay = new UnderWay(1, () => 0, atOnce)
  const { of, end, begun } = work()
  const other = underWay.run('b', of('b1'))
  const failing = underWay.run('a', () => Promise.reject(new Error('it failed')))
  const next = underWay.run('a', of('a2'))
  await t.rejects(failing, /it failed/)
  await end('a2')
  t.equal(await next, 'a2')
  const kept = underWay.run('a', of('a3'))
  const waiting = Array.from({ length: 20_000 }, (_, number) => underWay.run('a', async () => number))
  await t.rejects(
    underWay.run('a', async () => 0),
    { code: 'RATE_LIMITED' },
  )
  await end('a3')
  t.equal((await Promise.all(waiting)).length, 20_000)
  t.equal(await kept, 'a3')
  t.same(begun, ['b1', 'a2', 'a3'])
  await end('b1')
  t.equal(await other, 'b1')
})

await t.test('a flood of one provider', async (t) => {
  const server = await embed(t)
  const [flooding, quiet] = [
    await makeKey(server, { name: 'flooding', apps: ['flood'], scopes: ['messages:send'] }),
    await makeKey(server, { name: 'quiet', apps: ['quiet'], scopes: ['messages:send'] }),
  ]
  const target = await issueToken(server, { app: 'quiet', device: 'phone' })
  const victim = await issueToken(server, { app: 'flood', device: 'phone' })
  const stored = () => metric(server, 'push_accepted_total', 'destination="private"')
  const provider = await connect(t, server, { username: 'provider', password: quiet.key })
  await provider.publish(target.topics.private, 'it is there')

  // As much as is read, which is more than can be stored.
  const socket = openSocket({ port: server.mqttPort, host: server.host })
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  const options = { protocolVersion: 4 } as const
  const credentials = { username: 'provider', password: Buffer.from(flooding.key) }
  socket.write(
    generate(
      { cmd: 'connect', protocolId: 'MQTT', clientId: 'flood', clean: true, keepalive: 0, ...options, ...credentials },
      options,
    ),
  )
  await once(socket, 'data')
  const one = generate(
    { cmd: 'publish', topic: victim.topics.private, payload: 'x', qos: 0, dup: false, retain: false },
    options,
  )
  const many = Buffer.concat(Array.from({ length: 5_000 }, () => one))
  const write = (): void => {
    while (socket.write(many));
  }
  socket.on('drain', write)
  write()

  for (const publish of [
    () => provider.publish(target.topics.private, 'x'),
    async () => {
      const body = { to: { token: target.tokenId }, payload: 'x' }
      const { status } = await request(server, 'POST', '/v1/messages', { bearer: quiet.key, body })
      t.equal(status, 202)
    },
  ])
    for (let times = 0; times < 10; times++) {
      const before = await stored()
      await publish()
      const between = (await stored()) - before
      t.ok(between < 500, `${between} messages of the flood were stored meanwhile`)
    }
})

await t.test('of what a provider has beside others, little is taken up before it can be stored', async (t) => {
  const underWay = new UnderWay(1, () => 0, atOnce)
  const { of, end, begun } = work()
  t.equal(underWay.room('a'), undefined, 'alone there is always room')
  const other = underWay.run('b', of('b1'))
  const names = Array.from({ length: 17 }, (_, number) => `a${number}`)
  const all = names.map((name) => underWay.run('a', of(name)))
  let isRoom = false
  const room = underWay.room('a')?.then(() => {
    isRoom = true
  })
  t.ok(room, 'sixteen wait')
  t.equal(underWay.room('b'), undefined, 'that is nothing to the other one')
  await end('a0')
  await room
  t.equal(isRoom, true, 'one began')
  const last = underWay.room('a')
  t.equal(last, undefined, 'and nobody has taken its place')
  for (const name of names) await end(name)
  await end('b1')
  await Promise.all([...all, other])
  t.equal(begun.length, 18)
})
