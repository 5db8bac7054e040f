// Does a delayed will go out at once when a clean start on another node ends its session, and not when that is resumed?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, type ConnectOptions, type Device, issueToken } from '../support/index.ts'
import { KEPT, twoNodes } from './support/nodes.ts'

const LATE = 3_600

/** The connection on the first node is taken over by one on the second. */
async function takeOver(open: (at: 0 | 1, options: ConnectOptions) => Promise<Device>, clean: boolean): Promise<void> {
  const first = await open(0, KEPT)
  await open(1, { ...KEPT, clean })
  await first.closed
}

await t.test('delayed wills', async (t) => {
  const { a, b } = await twoNodes(t)
  const nodes = [a, b] as const
  const phone = await issueToken(a, { app: 'shop', device: 'phone', account: 'ann' })
  const listener = await connectProvider(t, b)
  await listener.subscribe('shop/u/#')
  const tablet = await issueToken(b, { app: 'shop', device: 'tablet', account: 'ann' })
  const receiver = await connectDevice(t, b, tablet, { subscribe: true })

  const willTo = (topic: string, payload: string) => ({
    will: { topic, payload: Buffer.from(payload), qos: 1 as const, properties: { willDelayInterval: LATE } },
  })
  const ofDevice = (payload: string) => (at: 0 | 1, options: ConnectOptions) =>
    connectDevice(t, nodes[at], phone, { ...options, ...willTo(`shop/u/${phone.tokenId}/gone`, payload) })
  const ofProvider = (payload: string) => (at: 0 | 1, options: ConnectOptions) =>
    connectProvider(t, nodes[at], { ...options, clientId: 'backend', ...willTo(tablet.topics.private, payload) })

  for (const [who, open, hears] of [
    ['a device', ofDevice, listener],
    ['a provider', ofProvider, receiver],
  ] as const) {
    await takeOver(open('resumed'), false)
    await takeOver(open('ended'), true)
    t.equal((await hears.next()).text, 'ended', `${who}: not of the session that went on`)
  }
})
