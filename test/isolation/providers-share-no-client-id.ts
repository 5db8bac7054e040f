// What happens when two providers use one client id, and when one provider uses it twice?
import { writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { t } from '../support/tap.ts'
import { connect, connectProvider, startServer, temporaryFolder } from '../support/index.ts'
import { ANN, getsItsOwn, join } from './support/people.ts'

const file = joinPath(temporaryFolder(t), 'providers.json')
const keys = { one: 'key-of-provider-one-0123456789', two: 'key-of-provider-two-0123456789' }
writeFileSync(
  file,
  JSON.stringify([
    { name: 'one', key: keys.one, apps: ['chat'] },
    { name: 'two', key: keys.two, apps: ['mail'] },
  ]),
)
const server = await startServer(t, { settings: { PUSH_PROVIDERS_FILE: file } })
const ann = await join(t, server, ANN)
const mail = await join(t, server, { ...ANN, app: 'mail' })

for (const protocolVersion of [4, 5] as const) {
  const how = {
    clientId: `the-same-client-id-${protocolVersion}`,
    protocolVersion,
    clean: false,
    ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}),
  }
  const as = (key: string) => connect(t, server, { username: 'provider', password: key }, how)

  await t.test(`protocol ${protocolVersion}: two providers keep their connections and sessions apart`, async (t) => {
    const one = await as(keys.one)
    t.same(await one.subscribe('chat/u/#'), [1])
    const two = await as(keys.two)
    t.equal(two.connack.sessionPresent, false)
    t.same(await two.subscribe('mail/u/#'), [1])
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'from chat')
    await mail.device.publish(`mail/u/${mail.issued.tokenId}/x`, 'from mail')
    t.equal((await one.next()).text, 'from chat')
    t.equal((await two.next()).text, 'from mail')

    await one.reset()
    await two.reset()
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'from chat, queued')
    await mail.device.publish(`mail/u/${mail.issued.tokenId}/x`, 'from mail, queued')
    const twoAgain = await as(keys.two)
    t.equal((await twoAgain.next()).text, 'from mail, queued')
    await mail.device.publish(`mail/u/${mail.issued.tokenId}/x`, 'last of mail')
    t.equal((await twoAgain.next()).text, 'last of mail')
    const oneAgain = await as(keys.one)
    t.equal((await oneAgain.next()).text, 'from chat, queued')
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'last of chat')
    t.equal((await oneAgain.next()).text, 'last of chat')
    await twoAgain.end()
    await oneAgain.end()
  })

  await t.test(`protocol ${protocolVersion}: of one provider the newest connection stays`, async (t) => {
    const first = await connectProvider(t, server, { ...how, clean: true })
    const second = await connectProvider(t, server, { ...how, clean: true })
    await first.closed
    if (protocolVersion === 5) t.equal(first.disconnectPacket?.reasonCode, 0x8e)
    await second.subscribe('chat/u/#')
    await ann.device.publish(`chat/u/${ann.issued.tokenId}/x`, 'to the second')
    t.equal((await second.next()).text, 'to the second')
    await second.end()
    await getsItsOwn(t, server, ann)
  })
}
