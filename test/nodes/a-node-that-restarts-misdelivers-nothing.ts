// After restarts of a node, does each provider get what was queued for it, and nothing that was queued for another?
import { t } from '../support/tap.ts'
import { connectProvider, type ServerProcess } from '../support/index.ts'
import { join, KEPT, twoNodeProcesses } from './support/nodes.ts'

const RESTARTS = 2
const MESSAGES = 10

await t.test('no misdelivery after a restart', async (t) => {
  const { a, b } = await twoNodeProcesses(t)
  const apps = ['shop', 'mail', 'news']
  const backend = (app: string) => ({ ...KEPT, clientId: `backend-${app}` })
  for (const app of apps) {
    const provider = await connectProvider(t, a, backend(app))
    await provider.subscribe(`${app}/u/#`)
    await provider.end()
  }

  const sent = new Map<string, string[]>(apps.map((app) => [app, []]))
  async function publishAll(node: ServerProcess, round: number): Promise<void> {
    for (const app of apps) {
      const { device, issued } = await join(t, b, node, { app, device: 'phone', account: 'ann', version: '1.0.0' })
      for (let number = 0; number < MESSAGES; number += 1) {
        const text = `${app}-${round}-${number}`
        await device.publish(`${app}/u/${issued.tokenId}/x`, text)
        sent.get(app)?.push(text)
      }
      await device.end()
    }
  }
  for (let round = 0; round < RESTARTS; round += 1) {
    await publishAll(a, round)
    await a.kill()
    await a.restart()
  }
  for (const app of apps) {
    const provider = await connectProvider(t, b, backend(app))
    const expected = sent.get(app) ?? []
    const arrived = await provider.nextN(expected.length)
    t.same(
      arrived.map(({ text }) => text),
      expected,
      `${app}: its own, in order, and nothing else`,
    )
    await provider.end()
    t.equal(provider.received.length, expected.length)
  }
})
