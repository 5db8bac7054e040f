// While a provider is away and one of a hundred devices floods, is the flooder refused, and is all of the others kept?
import { t } from '../support/tap.ts'
import { connectDevice, connectProvider, type ConnectOptions, issueToken } from '../support/index.ts'
import { embed } from '../plugin/support/embed.ts'

const KEPT: ConnectOptions = { clean: false, clientId: 'backend', properties: { sessionExpiryInterval: 7200 } }
const DEVICES = 100
const EACH = 5
const LOG = 1_000
const SHARE = LOG / 10
const HOUR_MS = 3_600_000

await t.test('a device that floods', async (t) => {
  let ahead = 0
  const now = () => Date.now() + ahead
  const embedded = await embed(t, {}, { now, limits: { upstreamMessages: LOG, devicePublishes: 0 } })
  const provider = await connectProvider(t, embedded, KEPT)
  await provider.subscribe('shop/u/#')
  await provider.end()
  /** Gives how to publish; that tells whether it was acknowledged as stored. */
  const join = async (name: string) => {
    const issued = await issueToken(embedded, { app: 'shop', device: name, account: 'ann', ttl: 86_400 })
    const device = await connectDevice(t, embedded, issued)
    return (text: string) =>
      device.publish(`shop/u/${issued.tokenId}/said`, text).then(
        () => 0,
        (error: { code?: number }) => error.code,
      )
  }
  const flooder = await join('flooder')
  const others = await Promise.all(Array.from({ length: DEVICES - 1 }, (_, index) => join(`phone-${index}`)))
  const accepted: string[] = []
  const publish = async (say: (text: string) => Promise<number | undefined>, text: string) => {
    const code = await say(text)
    if (code === 0) accepted.push(text)
    return code
  }
  const refusals = new Set<number | undefined>()
  for (let round = 1; round <= EACH; round++) {
    ahead += HOUR_MS / EACH
    const loud = Array.from({ length: SHARE }, (_, index) => publish(flooder, `flood ${round}.${index}`))
    const quiet = others.map((say, index) => publish(say, `phone-${index} ${round}`))
    for (const code of await Promise.all(loud)) if (code !== 0) refusals.add(code)
    t.same(new Set(await Promise.all(quiet)), new Set([0]), `hour part ${round}: everybody else is acknowledged`)
  }
  t.same([...refusals], [0x97], 'the flooder is told that its share is full')
  t.equal(accepted.filter((text) => text.startsWith('flood')).length, SHARE, 'and has its share')

  const again = await connectProvider(t, embedded, KEPT)
  const arrived = await again.nextN(accepted.length)
  t.same(arrived.map(({ text }) => text).sort(), accepted.sort(), 'what was acknowledged arrives, and nothing else')
})
