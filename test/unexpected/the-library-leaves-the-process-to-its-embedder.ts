// Does push as a part of another program leave it to that program what happens to errors and signals?
import { t } from '../support/tap.ts'
import { embed } from '../plugin/support/embed.ts'

const EVENTS = ['uncaughtException', 'unhandledRejection', 'SIGTERM', 'SIGINT', 'SIGHUP']

await t.test('process listeners', async (t) => {
  const before = EVENTS.map((event) => process.listenerCount(event))
  await embed(t)
  t.same(
    EVENTS.map((event) => process.listenerCount(event)),
    before,
  )
})
