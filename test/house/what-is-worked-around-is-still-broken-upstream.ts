// Is what we work around in our dependencies still so? When one of these fails, the workaround that it names can go.
import { ClassicLevel } from 'classic-level'
import levelPersistence from 'aedes-persistence-level'
import { t } from '../support/tap.ts'
import { temporaryFolder } from '../support/index.ts'

await t.test('aedes-persistence-level queues packets without properties (broker/aedes/persistence.ts)', async (t) => {
  const database = new ClassicLevel<string, Uint8Array>(temporaryFolder(t, 'level'), { valueEncoding: 'view' })
  await database.open()
  t.teardown(() => database.close())
  const persistence = levelPersistence(database)
  const packet = {
    cmd: 'publish',
    brokerId: 'b',
    brokerCounter: 1,
    topic: 'a',
    payload: Buffer.from('x'),
    qos: 1 as const,
  }
  await persistence.outgoingEnqueue(
    { clientId: 'c' },
    { ...packet, retain: false, messageExpiry: 1, properties: { contentType: 'text/plain' } },
  )
  for await (const queued of persistence.outgoingStream({ id: 'c' })) {
    t.equal(queued.properties, undefined)
    t.equal(queued.messageExpiry, undefined)
  }
})

await t.test('aedes-persistence-level forgets filters (broker/aedes/persistence.ts)', async (t) => {
  const database = new ClassicLevel<string, Uint8Array>(temporaryFolder(t, 'level'), { valueEncoding: 'view' })
  await database.open()
  t.teardown(() => database.close())
  const persistence = levelPersistence(database)
  await persistence.addSubscriptions({ id: 'c' }, [{ topic: 'a/#', qos: 1 }])
  await persistence.addSubscriptions({ id: 'c' }, [{ topic: 'a/b', qos: 2 }])
  t.same(await persistence.subscriptionsByTopic('a/c'), [])
})
