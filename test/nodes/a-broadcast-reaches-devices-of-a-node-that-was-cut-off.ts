// Do devices on a node that was cut off from Redis get the broadcasts of that time, without reconnecting?
import { t } from '../support/tap.ts'
import { eventually, faultProxy, request, send, startRedis } from '../support/index.ts'
import { join, startNode } from './support/nodes.ts'

await t.test('broadcasts during a partition', async (t) => {
  const redis = await startRedis(t)
  const proxy = await faultProxy(t, redis.port)
  const [a, b] = await Promise.all([startNode(t, `redis://127.0.0.1:${proxy.port}`), startNode(t, redis.url)])
  const app = 'shop'
  const members = await Promise.all(
    Array.from({ length: 5 }, (_, index) =>
      join(t, b, a, { app, device: `phone-${index}`, account: 'ann', version: `1.${index}.0` }),
    ),
  )
  const expected: string[] = []
  for (const [what, breakIt] of [
    ['refused', () => proxy.refuse()],
    ['frozen', () => proxy.freeze('both')],
  ] as const) {
    breakIt()
    await eventually('503 of /readyz', async () => (await request(a, 'GET', '/readyz')).status === 503)
    for (let number = 0; number < 20; number += 1) {
      expected.push(`${what} ${number}`)
      await send(b, { app, versions: '*' }, `${what} ${number}`)
    }
    proxy.heal()
    for (const { device } of members) {
      await eventually(
        'all broadcasts',
        () => new Set(device.received.map(({ text }) => text)).size === expected.length,
      )
    }
  }
  for (const { device } of members) {
    t.same(
      device.received.map(({ text }) => text),
      expected,
      'each once, in order',
    )
  }
})
