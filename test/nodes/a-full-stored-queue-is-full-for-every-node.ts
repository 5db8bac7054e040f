// Does the queue of a session that is away take nothing new from any node once it is full, and count it?
import { t } from '../support/tap.ts'
import { ann, connect, metric, passwordFile } from '../support/index.ts'
import { KEPT, twoNodes } from './support/nodes.ts'

const LIMIT = 5

t.test('a full queue', async (t) => {
  const { a, b } = await twoNodes(t, { PUSH_MAX_STORED: `${LIMIT}`, PUSH_PASSWORD_FILE: passwordFile(t) })
  const how = { ...KEPT, clientId: 'backend' }
  const user = await connect(t, a, ann, how)
  await user.subscribe('orders/#')
  await user.end()

  for (const [name, node] of Object.entries({ a, b })) {
    const publisher = await connect(t, node, ann)
    for (let number = 1; number <= LIMIT; number++) await publisher.publish('orders/till', `${name}${number}`)
    await publisher.end()
  }
  t.equal(await metric(a, 'push_dropped_total', 'destination="session"'), 0)
  t.equal(await metric(b, 'push_dropped_total', 'destination="session"'), LIMIT)

  const back = await connect(t, b, ann, how)
  const texts = (await back.nextN(LIMIT)).map(({ text }) => text)
  t.same(texts, ['a1', 'a2', 'a3', 'a4', 'a5'], 'the oldest are kept')
})
