// Does a program that closes push come back, although a part of its broker never ends?
import { t } from '../support/tap.ts'
import { within } from '../support/index.ts'
import { embed } from './support/embed.ts'

await t.test('an emitter that never closes', async (t) => {
  const { push, broker } = await embed(t)
  const { mq } = broker as unknown as { mq: { close: () => void } }
  mq.close = () => undefined
  await within('the end', push.close())
  t.pass('it ended')
})
