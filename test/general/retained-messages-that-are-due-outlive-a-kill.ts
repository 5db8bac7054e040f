// The server is killed while retained messages are on their way to a kept session: do the others come after it?
import { t } from '../support/tap.ts'
import { bob, connect, type ConnectOptions, passwordFile, startServerProcess } from '../support/index.ts'

const MESSAGES = 200
const WINDOW = 10
const KEPT: ConnectOptions = {
  clientId: 'reader',
  clean: false,
  manualAck: true,
  properties: { sessionExpiryInterval: 100, receiveMaximum: WINDOW },
}

await t.test('killed while they are sent, and after', async (t) => {
  const settings = { PUSH_LOG_LEVEL: 'warn', PUSH_PASSWORD_FILE: passwordFile(t), PUSH_COMMIT_INTERVAL: '1' }
  const server = await startServerProcess(t, { settings })
  const writer = await connect(t, server, bob)
  const texts = Array.from({ length: MESSAGES }, (_, each) => `text ${each}`)
  await Promise.all(texts.map((text, each) => writer.publish(`many/${each}`, text, { qos: 1, retain: true })))

  const reader = await connect(t, server, bob, KEPT)
  await reader.subscribe('many/#', { qos: 1 })
  await reader.nextN(WINDOW)
  await server.kill()
  await server.restart()
  const again = await connect(t, server, bob, { ...KEPT, manualAck: false })
  t.equal(again.connack.sessionPresent, true)
  const seen = new Set<string>()
  while (seen.size < MESSAGES) seen.add((await again.next()).text)
  t.same([...seen].sort(), texts.sort(), 'all of them')

  // What went through is not sent once more by every later connection.
  const other = await connect(t, server, bob)
  await other.publish('many/marker', 'marker')
  while ((await again.next()).text !== 'marker');
  await server.kill()
  await server.restart()
  const last = await connect(t, server, bob, { ...KEPT, manualAck: false })
  const late = await connect(t, server, bob)
  await late.publish('many/marker', 'another')
  let count = 0
  while ((await last.next()).text !== 'another') count += 1
  t.ok(count <= WINDOW, `${count} came again: what was acknowledged a moment before`)
})
