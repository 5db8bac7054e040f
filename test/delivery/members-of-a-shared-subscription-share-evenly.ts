// Do two providers that share a subscription get about half of a flood each, each message once, and everything when one goes?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, eventually, issueToken, startServer } from '../support/index.ts'

const MESSAGES = 1_000
const REST = 100

t.test('two members', async (t) => {
  const server = await startServer(t, { settings: { PUSH_MAX_DEVICE_PUBLISHES: '0' } })
  const issued = await issueToken(server, { app: 'shop', device: 'till' })
  const device = await connectDevice(t, server, issued)
  const topic = `shop/u/${issued.tokenId}/orders`
  const members = await Promise.all(
    ['one', 'two'].map((clientId) =>
      connectProvider(t, server, { clientId, clean: false, properties: { sessionExpiryInterval: 100 } }),
    ),
  )
  const [one, two] = members
  if (one === undefined || two === undefined) return t.fail('two members')
  for (const member of members) await member.subscribe('$share/workers/shop/u/#')

  const all: Promise<unknown>[] = []
  for (let count = 0; count < MESSAGES; count += 1) all.push(device.publish(topic, `${count}`))
  await Promise.all(all)
  await eventually('all of them', async () => one.received.length + two.received.length === MESSAGES)
  const texts = [...one.received, ...two.received].map(({ text }) => text)
  t.equal(new Set(texts).size, MESSAGES, 'each once')
  const share = one.received.length / MESSAGES
  t.ok(share >= 0.4 && share <= 0.6, `one got ${share}`)

  await two.end()
  const before = one.received.length
  for (let count = 0; count < REST; count += 1) await device.publish(topic, `later ${count}`)
  await eventually('the rest at the other', async () => one.received.length === before + REST)
  await one.end()
  await device.publish(topic, 'while both are away')
  const back = await connectProvider(t, server, {
    clientId: 'two',
    clean: false,
    properties: { sessionExpiryInterval: 100 },
  })
  t.equal((await back.next()).text, 'while both are away')
})
