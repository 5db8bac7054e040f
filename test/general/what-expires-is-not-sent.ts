// Is a message that expired while it waited not sent, and another with what remains of its time, from the log and from memory?
import { setTimeout as pause } from 'node:timers/promises'
import { t } from '../support/tap.ts'
import { join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const server = await serve(t)
const writer = await join(t, server, 'writer', { expiry: 0, clean: true })

for (const expiry of [0, 100])
  await t.test(expiry === 0 ? 'memory' : 'log', async (t) => {
    const { raw } = await join(t, server, `reader-${expiry}`, { expiry, properties: { receiveMaximum: 1 } })
    await raw.subscribe(`topic/${expiry}`, 1)
    const ttl = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } })
    publish(writer.raw, `topic/${expiry}`, 'first', 1)
    publish(writer.raw, `topic/${expiry}`, 'short', 2, ttl(1))
    publish(writer.raw, `topic/${expiry}`, 'long', 3, ttl(1000))
    publish(writer.raw, `topic/${expiry}`, 'for ever', 4)
    const first = await raw.next('publish')
    await pause(1100)
    raw.puback(first)
    const long = await raw.next('publish')
    t.equal(long.payload.toString(), 'long')
    const { messageExpiryInterval = 0 } = long.properties ?? {}
    t.ok(messageExpiryInterval < 1000 && messageExpiryInterval > 990)
    raw.puback(long)
    const last = await raw.next('publish')
    t.equal(last.payload.toString(), 'for ever')
    t.equal(last.properties?.messageExpiryInterval, undefined)
  })
