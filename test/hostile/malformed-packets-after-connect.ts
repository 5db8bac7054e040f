// What is a connected client told whose packet is malformed, and is everybody else served as before?
import { t } from '../support/tap.ts'
import { connectBytes, issueToken, startServer } from '../support/index.ts'
import { bystander } from './support/bystander.ts'
import { brokenPackets } from './support/broken-packets.ts'
import { openWire } from './support/wire.ts'

const server = await startServer(t)
const healthy = await bystander(t, server)
const issued = await issueToken(server, { app: 'chat', device: 'hostile' })

const roles = {
  device: { fields: { token: issued.token }, topic: `chat/u/${issued.tokenId}/x` },
  provider: {
    fields: { username: 'provider', password: Buffer.from(server.providerKey) },
    topic: issued.topics.private,
  },
}

for (const [role, { fields, topic }] of Object.entries(roles)) {
  for (const [transport, level] of [
    ['tcp', 5],
    ['ws', 5],
    ['tcp', 4],
  ] as const) {
    await t.test(`${role}, protocol ${level} over ${transport}`, async (t) => {
      for (const [what, broken] of Object.entries(brokenPackets(topic))) {
        if (broken.only !== undefined && broken.only !== level) continue
        const wire = await openWire(t, server, transport, level)
        wire.send(connectBytes(fields, level))
        await wire.packets.next()
        wire.send(level === 5 ? broken.bytes : (broken.older ?? broken.bytes))
        const [, ...answers] = await wire.rest()
        if (level < 5 || broken.reason === 'silent') t.same(answers, [], `${what}: closed without a word`)
        else t.match(answers, [{ cmd: 'disconnect', reasonCode: broken.reason }], `${what}: told why`)
      }
      await healthy.isServed(t)
    })
  }
}
