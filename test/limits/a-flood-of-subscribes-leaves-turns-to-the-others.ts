// Do SUBSCRIBE and UNSUBSCRIBE in turns, all sent at once, let others be answered in between, and a budget slow them?
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { embed, JOE } from '../plugin/support/embed.ts'
import { connectRaw, issueToken, type RawClient } from '../support/index.ts'

const FLOOD = 2_000
// A second's share is what it takes to subscribe about ten times.
const embedded = await embed(t, { limits: { work: 12_000 } })
const issued = await issueToken(embedded, { app: 'chat', device: 'flooder', version: '1.0.0' })

function flood(raw: RawClient, topic: string): void {
  const packets = Array.from({ length: FLOOD }, (_, at) =>
    at % 2 === 0
      ? generate({ cmd: 'subscribe', messageId: at + 1, subscriptions: [{ topic, qos: 1 }] })
      : generate({ cmd: 'unsubscribe', messageId: at + 1, unsubscriptions: [topic] }),
  )
  raw.sendBytes(Buffer.concat(packets))
}

const bystander = await connectRaw(t, embedded.mqttPort)
await bystander.connect({ username: JOE.username, password: Buffer.from(JOE.password), clientId: 'bystander' })

for (const [role, fields, topic] of [
  ['device', { token: issued.token }, issued.topics.broadcast ?? ''],
  ['user', { username: JOE.username, password: Buffer.from(JOE.password), clientId: 'flooder' }, 'news/#'],
] as const) {
  await t.test(role, async (t) => {
    const raw = await connectRaw(t, embedded.mqttPort)
    await raw.connect(fields)
    flood(raw, topic)
    await raw.next('suback')
    await bystander.ping()
    const early = raw.packets.received.length
    t.ok(early < FLOOD / 10, `${early} of ${FLOOD} were handled before a bystander was`)
    // As many turns as the flood would need if it were not made to wait.
    for (let turn = 0; turn < 100; turn++) await bystander.ping()
    const late = raw.packets.received.length
    t.ok(late < FLOOD / 2, `${late} were handled until the budget was used up`)
  })
}

await t.test('many filters in one packet', async (t) => {
  const raw = await connectRaw(t, embedded.mqttPort, { protocolVersion: 5 })
  await raw.connect({ username: JOE.username, password: Buffer.from(JOE.password), clientId: 'greedy' })
  const subscriptions = Array.from({ length: 20_000 }, (_, at) => ({ topic: `f/${at}`, qos: 1 as const }))
  raw.send({ cmd: 'subscribe', messageId: 1, subscriptions })
  let pings = 0
  while (!raw.packets.received.some(({ cmd }) => cmd === 'suback')) {
    await bystander.ping()
    pings += 1
  }
  t.ok(pings > 20, `${pings} pings of a bystander were answered meanwhile`)
})
