// Does QoS 0 of a shared subscription for a member that does not read count among what is held in memory?
import { setTimeout } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { eventually } from '../support/index.ts'
import { join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const MIB = 1024 ** 2
const text = 'x'.repeat(100_000)

for (const [what, limits] of [
  ['one', { queuedBytes: MIB }],
  ['all', { queuedBytes: 100 * MIB, queuedBytesInAll: MIB }],
] as const)
  await t.test(`the limit for ${what}`, async (t) => {
    const server = await serve(t, { limits })
    const slow = await join(t, server, 'slow', { expiry: 0 })
    await slow.raw.subscribe('$share/group/a', 0)
    slow.raw.pause()
    const writer = await join(t, server, 'writer', { expiry: 0 })
    let sent = 0
    await eventually('some is dropped', async () => {
      publish(writer.raw, 'a', text, 0, { qos: 0 })
      sent += 1
      await writer.raw.ping()
      await setTimeout(1)
      return (await server.metrics.queueDropped.get()).values.some(({ value }) => value > 0)
    })
    t.ok(sent < 300, `${sent} messages: what the sockets hold, and the limit`)
  })
