// Does a delayed will go out, once, when the node that its connection had dies or stops, and not when its client comes back?
import { t } from '../support/tap.ts'
import {
  type Arrival,
  connectDevice,
  connectProvider,
  type Device,
  eventually,
  type Issued,
  issueToken,
  metric,
  type ServerProcess,
  startServerProcess,
} from '../support/index.ts'
import { KEPT, twoNodeProcesses } from './support/nodes.ts'

type Scope = Parameters<typeof connectDevice>[0]

const SETTINGS = { PUSH_SWEEP: '1' }
/** Seconds. */
const SOON = 1
const LATE = 3_600
const PROPERTIES = { correlationData: Buffer.from([0, 255]), contentType: 'text/plain' }

const phone = (server: ServerProcess, device: string): Promise<Issued> =>
  issueToken(server, { app: 'shop', device, account: 'ann' })

/** Its connection is lost, and what it leaves is written. */
async function leave(t: Scope, server: ServerProcess, issued: Issued, seconds: number): Promise<void> {
  const will = { topic: `shop/u/${issued.tokenId}/gone`, payload: Buffer.from('gone'), qos: 1 as const, retain: false }
  const properties = { ...PROPERTIES, willDelayInterval: seconds }
  const device = await connectDevice(t, server, issued, { ...KEPT, will: { ...will, properties } })
  await device.reset()
  const isOver = async () => (await metric(server, 'push_connections', 'principal="device"')) === 0
  await eventually('the end of the connection', isOver)
  // The store keeps the order of what it is told.
  await phone(server, 'anybody')
}

/** The token ids that speak, up to a message that is sent now. */
async function speakers(t: Scope, server: ServerProcess, provider: Device): Promise<(string | undefined)[]> {
  const issued = await phone(server, 'marker')
  const device = await connectDevice(t, server, issued)
  await device.publish(`shop/u/${issued.tokenId}/marker`, 'marker')
  await device.end()
  const from: (string | undefined)[] = []
  for (;;) {
    const { topic, text } = await provider.next()
    if (text === 'marker') return from
    from.push(topic.split('/')[2])
  }
}

const speaker = ({ topic }: Arrival) => topic.split('/')[2]

await t.test('two nodes', async (t) => {
  const { a, b } = await twoNodeProcesses(t, SETTINGS)
  const provider = await connectProvider(t, b)
  await provider.subscribe('shop/u/#')
  for (const how of ['kill', 'stop'] as const) {
    const dies = await phone(b, `dies ${how}`)
    const returns = await phone(b, `returns ${how}`)
    const ends = await phone(b, `ends ${how}`)
    await leave(t, a, returns, LATE)
    await leave(t, a, ends, LATE)
    await leave(t, a, dies, SOON)
    await a[how]()
    await connectDevice(t, b, returns, KEPT)
    await connectDevice(t, b, ends, { ...KEPT, clean: true })
    const two = [await provider.next(), await provider.next()]
    t.same(new Set(two.map(speaker)), new Set([dies.tokenId, ends.tokenId]), `${how}: at its time, or with its session`)
    for (const { properties } of two) t.match(properties, PROPERTIES)
    t.same(await speakers(t, b, provider), [], `${how}: once, and not of who came back`)
    await a.restart()
  }
})

await t.test('one server that is started again', async (t) => {
  const server = await startServerProcess(t, { settings: SETTINGS })
  const issued = await phone(server, 'phone')
  const reader = { ...KEPT, clientId: 'reader' }
  const before = await connectProvider(t, server, reader)
  await before.subscribe('shop/u/#')
  await leave(t, server, issued, SOON)
  await server.kill()
  await server.restart()
  const provider = await connectProvider(t, server, reader)
  t.equal(speaker(await provider.next()), issued.tokenId)
  t.same(await speakers(t, server, provider), [], 'once')
})
