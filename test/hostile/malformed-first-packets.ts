// What is a client told whose CONNECT is malformed, or whose first packet is none, and does the server live on?
import { t } from '../support/tap.ts'
import { startServer } from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { BROKEN_CONNECTS } from './support/broken-connects.ts'
import { openWire } from './support/wire.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)

for (const transport of ['tcp', 'ws'] as const) {
  for (const [what, { bytes, answer, level }] of Object.entries(BROKEN_CONNECTS)) {
    await t.test(`${what}, over ${transport}`, async (t) => {
      const wire = await openWire(t, server, transport, level)
      wire.send(bytes)
      const [connack, ...more] = await wire.rest()
      t.same(more, [], 'not more than one packet')
      if (answer === 'silent') t.equal(connack, undefined, 'closed without a word')
      else if (level === 5) t.match(connack, { cmd: 'connack', reasonCode: answer, sessionPresent: false })
      else t.match(connack, { cmd: 'connack', returnCode: answer, sessionPresent: false })
    })
  }
  await t.test('the others', (t) => healthy.isServed(t))
}

await t.test('each of them byte by byte, as slow peers send', async (t) => {
  for (const [what, { bytes, answer, level }] of Object.entries(BROKEN_CONNECTS)) {
    const wire = await openWire(t, server, 'tcp', level)
    for (const byte of bytes) wire.send(Buffer.from([byte]))
    const [connack] = await wire.rest()
    if (answer === 'silent') t.equal(connack, undefined, what)
    else t.match(connack, { cmd: 'connack' }, what)
  }
  await healthy.isServed(t)
})
