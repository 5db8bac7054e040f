// Do user properties go on in the order in which they came, also when a name comes twice [MQTT-3.3.2-18]?
import { t } from '../support/tap.ts'
import { connectRaw } from '../support/index.ts'
import { embed, JOE } from '../plugin/support/embed.ts'

const pair = (name: string, value: string) =>
  Buffer.concat([
    Buffer.from([0x26]),
    ...[name, value].flatMap((text) => [Buffer.from([0, text.length]), Buffer.from(text)]),
  ])
const PROPERTIES = Buffer.concat([pair('b', '1'), pair('a', '2'), pair('b', '3')])
const BODY = Buffer.concat([Buffer.from([0, 1]), Buffer.from('t'), Buffer.from([PROPERTIES.length]), PROPERTIES])

await t.test('b, a, b', async (t) => {
  const embedded = await embed(t)
  const client = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  await client.connect({ username: JOE.username, password: Buffer.from(JOE.password) })
  await client.subscribe('t', 0)
  client.sendBytes(Buffer.concat([Buffer.from([0x30, BODY.length]), BODY]))
  await client.next('publish')
  t.ok(client.bytes.includes(PROPERTIES), 'as they came')
})
