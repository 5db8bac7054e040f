// Do the metrics say how much is pending in the store, seldom ask it, and say nothing while it does not answer?
import { Registry } from 'prom-client'
import { measurePending } from '../../common/metrics.ts'
import { startServer, issueToken, metric, send } from '../support/index.ts'
import { t } from '../support/tap.ts'

await t.test('of a store', async (t) => {
  const server = await startServer(t)
  const { token } = await issueToken(server, { app: 'chat', device: 'phone' })
  await send(server, { token }, 'x')
  await send(server, { token }, 'y')
  t.equal(await metric(server, 'push_pending_messages'), 2)
})

await t.test('while the store comes and goes', async (t) => {
  const registry = new Registry()
  let now = 0
  let asked = 0
  const never = new Promise<number>(() => undefined)
  const answers = [Promise.resolve(7), Promise.reject(new Error('away')), never, Promise.resolve(8)]
  answers[1]?.catch(() => undefined)
  measurePending(
    registry,
    () => answers[asked++] ?? never,
    () => now,
  )
  const value = async () => /^push_pending_messages (\d+)$/m.exec(await registry.metrics())?.[1]
  t.equal(await value(), '7')
  t.equal(await value(), '7')
  t.equal(asked, 1, 'whoever looks again at once gets what was known')
  now += 10_000
  t.equal(await value(), undefined, 'it fails')
  t.equal(await value(), undefined)
  t.equal(asked, 2, 'nor is it asked again at once where it fails')
  now += 10_000
  t.equal(await value(), undefined, 'it hangs')
  now += 10_000
  t.equal(await value(), '8', 'it is back')
})
