// Does a bridge of Mosquitto, with the name and password of a user that a provider names, publish to push topics, and no longer than both hold?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import {
  ANN_LINE,
  ann,
  bob,
  changeKey,
  connect,
  connectDevice,
  deleteKey,
  issueToken,
  makeKey,
  mosquittoPub,
  passwordFile,
  rotateKey,
  startServer,
  temporaryFolder,
} from '../../support/index.ts'
import { startMosquitto } from '../bridges/support/mosquitto.ts'

await t.test('a provider that comes as a user', async (t) => {
  const providers = join(temporaryFolder(t, 'providers'), 'providers.json')
  writeFileSync(providers, JSON.stringify([{ name: 'edge', key: 'k'.repeat(20), apps: ['shop'], user: 'ann' }]))
  const passwords = passwordFile(t)
  const server = await startServer(t, { settings: { PUSH_PASSWORD_FILE: passwords, PUSH_PROVIDERS_FILE: providers } })
  const issued = await issueToken(server, { app: 'shop', device: 'phone', account: 'ann' })
  const device = await connectDevice(t, server, issued)
  await device.subscribe(issued.topics.private)
  const watcher = await connect(t, server, bob)
  await watcher.subscribe('$SYS/broker/connection/+/state')

  const state = '$SYS/broker/connection/edge-1/state'
  const edge = await connect(t, server, ann, {
    clientId: 'edge-1',
    protocolVersion: 4,
    will: { topic: state, payload: Buffer.from('0'), retain: true },
  })
  await edge.publish(state, '1', { retain: true })
  t.match(await watcher.next(), { topic: state, text: '1' }, 'users hear that a bridge is there')
  await edge.publish('other/private/topic', 'no')
  await edge.publish(issued.topics.private, 'pushed')
  t.equal((await device.next()).text, 'pushed', 'what is refused is dropped, and the rest goes on')
  const five = await connect(t, server, ann, { clientId: 'edge-2' })
  await t.rejects(five.publish('home/light', 'no'), { code: 0x87 }, 'it is no user besides')
  t.same(await five.subscribe('shop/u/#'), [1], 'and reads what its devices send')
  await t.rejects(connect(t, server, { ...ann, password: 'secret2' }), { code: 0x87 }, 'a wrong password')

  const bridge = await startMosquitto(
    t,
    'connection up',
    `address 127.0.0.1:${server.mqttPort}`,
    'remote_username ann',
    'remote_password secret1',
    'topic shop/# out 1',
    'restart_timeout 1',
  )
  const local = { host: '127.0.0.1', mqttPort: bridge.mqttPort }
  t.match(await watcher.next(), { topic: /\.up\/state$/, text: '1' }, "Debian's mosquitto bridges to us")
  await mosquittoPub(t, local, '-t', issued.topics.private, '-m', 'from the edge', '-q', '1')
  t.equal((await device.next()).text, 'from the edge')

  writeFileSync(passwords, `${ANN_LINE.replace('ann:', 'carl:')}\n`)
  await edge.closed
  await five.closed
  t.equal(five.disconnectPacket?.reasonCode, 0x87, 'without its user it is disconnected')
})

await t.test('a key of the store that names a user', async (t) => {
  const passwords = passwordFile(t)
  const server = await startServer(t, { settings: { PUSH_PASSWORD_FILE: passwords } })
  const issued = await issueToken(server, { app: 'shop', device: 'phone', account: 'ann' })
  const key = await makeKey(server, { name: 'edge', apps: ['shop'], scopes: ['messages:send'], user: 'ann' })
  for (const user of ['ann', 'provider'])
    await t.rejects(makeKey(server, { name: 'other', apps: ['shop'], scopes: ['messages:send'], user }), user)
  const admin = await makeKey(server, { name: 'lesser', apps: ['shop'], scopes: ['messages:send', 'keys:admin'] })
  const lesser = { ...server, providerKey: admin.key }
  const hijack = makeKey(lesser, { name: 'lesser', apps: ['shop'], scopes: ['messages:send'], user: 'bob' })
  await t.rejects(hijack, { message: /APP_FORBIDDEN/ }, 'who may not act for every app takes no user away')

  const edge = await connect(t, server, ann)
  await edge.publish(issued.topics.private, 'one')
  t.same(await edge.subscribe('shop/u/#'), [0x87], 'with the scopes of the key')
  await rotateKey(server, key, 0)
  await edge.publish(issued.topics.private, 'two')
  await changeKey(server, key, { apps: ['shop', 'news'] })
  await edge.publish(issued.topics.private, 'three')
  await deleteKey(server, key)
  await edge.closed
  const after = await connect(t, server, ann)
  t.same(await after.subscribe('home/#'), [1], 'without the key it is a user')
  const held = await connectDevice(t, server, issued)
  await held.subscribe(issued.topics.private)
  t.same(
    (await held.nextN(3)).map(({ text }) => text),
    ['one', 'two', 'three'],
  )
})
