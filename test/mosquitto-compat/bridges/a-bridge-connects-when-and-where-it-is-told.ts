// Do start_type, threshold, idle_timeout, several addresses, round_robin and restart_timeout do what the manual says?
import { Restart } from '../../../mosquitto-compat/bridges/restart.ts'
import { freePort, mosquittoPub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startRemote } from './support/remote.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

const quiet = { notifications: false, attemptUnsubscribe: false }

await t.test('lazy: it ends when it is idle, and begins when enough waits', async (t) => {
  const remote = await startRemote(t)
  const lazy = { startType: 'lazy', idleTimeout: 0.2, threshold: 3 } as const
  const bridge = bridgeTo(remote.port, { topics: [topic('a/#', 'out', 1)], ...quiet, ...lazy })
  const local = await serve(t, { bridges: [bridge] })
  await (await remote.welcome()).closed
  const next = remote.welcome()
  for (const payload of ['1', '2', '3']) await mosquittoPub(t, local, '-t', 'a/b', '-q', '1', '-m', payload)
  const { packets } = await next
  for (const payload of ['1', '2', '3'])
    t.match(await packets.next(), { cmd: 'publish', payload: Buffer.from(payload), dup: false })
})

await t.test('once: it does not come back', async (t) => {
  const remote = await startRemote(t)
  const local = await serve(t, {
    bridges: [bridgeTo(remote.port, { topics: [topic('a')], startType: 'once', name: 'once' })],
  })
  const first = await remote.welcome()
  first.close()
  local.bridges.reload([bridgeTo(remote.port, { topics: [topic('a')], name: 'other' })])
  t.equal((await remote.welcome()).connect.clientId, 'here.other')
})

await t.test('the first address is the main one', async (t) => {
  const main = await startRemote(t)
  const { port } = main
  const second = await startRemote(t)
  const addresses = [port, second.port].map((each) => ({ host: '127.0.0.1', port: each }))
  await main.close()
  await serve(t, { bridges: [bridgeTo(0, { addresses, topics: [topic('a')], ...quiet })] })
  const there = await second.welcome()
  const again = await startRemote(t, 4, port)
  await again.welcome()
  await there.closed
  t.pass('it has gone back to the first')
})

await t.test('round_robin: the next one, and it stays there', async (t) => {
  const [first, second] = [await startRemote(t), await startRemote(t)]
  const addresses = [first.port, second.port].map((port) => ({ host: '127.0.0.1', port }))
  await serve(t, { bridges: [bridgeTo(0, { addresses, roundRobin: true, topics: [topic('a')], ...quiet })] })
  for (const each of [first, second, first, second]) (await each.welcome()).close()
  t.pass('each in its turn')
})

await t.test('restart_timeout', async (t) => {
  const fixed = new Restart({ base: 7, stable: 0 }, () => 1)
  t.same([fixed.next(undefined), fixed.next(undefined)], [7_000, 7_000])
  const longest = new Restart({ base: 5, cap: 30, stable: 10 }, () => 1)
  t.same(
    [1, 2, 3].map(() => longest.next(undefined)),
    [15_000, 30_000, 30_000],
  )
  t.equal(longest.next(5_000), 30_000, 'it was not stable')
  t.equal(longest.next(10_000), 5_000)
  const shortest = new Restart({ base: 5, cap: 30, stable: 0 }, () => 0)
  t.same([shortest.next(undefined), shortest.next(undefined)], [5_000, 5_000])
})

await t.test('a bridge that is taken out of the file ends', async (t) => {
  const remote = await startRemote(t)
  const local = await serve(t, { bridges: [bridgeTo(remote.port, { topics: [topic('a')] })] })
  const first = await remote.welcome()
  local.bridges.reload([bridgeTo(remote.port, { topics: [topic('b')], reloadType: 'immediate' })])
  await first.closed
  const second = await remote.welcome()
  t.match(await second.next('unsubscribe'), { unsubscriptions: ['b'] })
  local.bridges.reload([])
  await second.closed
  t.ok(await freePort())
})
