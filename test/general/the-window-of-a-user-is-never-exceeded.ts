// Are no more messages under way than PUSH_WINDOW and the client's Receive Maximum allow, from the log and from memory?
import { t } from '../support/tap.ts'
import { join, publish } from './support/people.ts'
import { serve } from './support/serve.ts'

const server = await serve(t, { limits: { window: 5 } })
const writer = await join(t, server, 'writer', { expiry: 0, clean: true })

for (const expiry of [0, 100])
  for (const [receiveMaximum, most] of [
    [3, 3],
    [50, 5],
  ] as const)
    await t.test(`${expiry === 0 ? 'memory' : 'log'}, Receive Maximum ${receiveMaximum}`, async (t) => {
      const topic = `${expiry}/${receiveMaximum}`
      const { raw } = await join(t, server, topic, { expiry, properties: { receiveMaximum } })
      await raw.subscribe(topic, 2)
      for (let each = 0; each < 20; each++) {
        publish(writer.raw, topic, `${each}`, 1 + each, { qos: 1 + (each % 2) })
        if (each % 2 === 1) {
          await writer.raw.next('pubrec')
          writer.raw.send({ cmd: 'pubrel', messageId: 1 + each })
          await writer.raw.next('pubcomp')
        } else await writer.raw.next('puback')
      }
      const texts: string[] = []
      const under = new Map<number, 1 | 2>()
      let done = 0
      const acknowledge = ([messageId, qos]: readonly [number, 1 | 2]) =>
        raw.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
      while (done < 20) {
        const packet = await raw.next()
        if (packet.cmd === 'publish' && packet.messageId !== undefined) {
          texts.push(packet.payload.toString())
          under.set(packet.messageId, packet.qos === 2 ? 2 : 1)
          t.ok(under.size <= most)
          // In any order, and only where no more come.
          if (under.size === most || texts.length === 20) for (const each of [...under].reverse()) acknowledge(each)
          if (under.size === most || texts.length === 20) for (const [id, qos] of under) if (qos === 1) under.delete(id)
          done = texts.length - under.size
        } else if (packet.cmd === 'pubrel' && packet.messageId !== undefined) {
          raw.send({ cmd: 'pubcomp', messageId: packet.messageId })
          under.delete(packet.messageId)
          done = texts.length - under.size
        }
      }
      t.same(new Set(texts).size, 20, 'each once, acknowledged in any order')
    })
