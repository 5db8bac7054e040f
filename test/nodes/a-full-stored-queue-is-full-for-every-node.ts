// Does the queue of a session that is away take nothing new from any node once it is full, and count it?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { connect, metric, temporaryFolder } from '../support/index.ts'
import { KEPT, twoNodes } from './support/nodes.ts'

const LIMIT = 5
/** Written by `mosquitto_passwd -b`, password secret1. */
const ANN =
  'ann:$7$101$chQ3oJ+MiHWIN+94$TiVlw4F9YIQiObA+Nf40kozx8s89G4q5QUV83sf5IH0LC7u778yRXev1bXSpWn7vTGTraGr5BhFB1JLgw6vngg=='
const ann = { username: 'ann', password: 'secret1' }

t.test('a full queue', async (t) => {
  const path = join(temporaryFolder(t, 'users'), 'passwords')
  writeFileSync(path, `${ANN}\n`)
  const { a, b } = await twoNodes(t, { PUSH_MAX_STORED: `${LIMIT}`, PUSH_PASSWORD_FILE: path })
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
