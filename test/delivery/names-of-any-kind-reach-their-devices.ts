// Do apps, devices, accounts and versions with any allowed characters get their own messages, and nobody else's?
import { t } from '../support/tap.ts'
import {
  barrier,
  connectDevice,
  connectProvider,
  issueToken,
  mosquittoSub,
  send,
  startServer,
} from '../support/index.ts'
import { texts } from './support/messages.ts'

const server = await startServer(t)
const apps = ['a', 'com.example.shop', 'żółć 🦆', 'constructor', '__proto__', 't', 'u', 'a'.repeat(128)]
const versions = [
  '1',
  '1.0.0+build.7',
  '2/3',
  '#',
  '+',
  '100%',
  '%2F',
  '%',
  't',
  'u',
  '*',
  ' 1.0 ',
  '🦆',
  'v'.repeat(128),
]

await t.test('apps', async (t) => {
  const devices = await Promise.all(
    apps.map(async (app) => {
      const issued = await issueToken(server, { app, device: 'phone', account: 'ada', version: '1.0.0' })
      const device = await connectDevice(t, server, issued)
      t.same(await device.subscribe([issued.topics.private, issued.topics.broadcast!]), [1, 1], app)
      return { app, issued, device }
    }),
  )
  for (const { app, issued, device } of devices) {
    await send(server, { token: issued.tokenId }, `private ${app}`)
    t.match(await device.next(), { text: `private ${app}`, topic: `${app}/t/${issued.tokenId}` })
    await send(server, { app, versions: '*' }, `broadcast ${app}`)
    t.match(await device.next(), { text: `broadcast ${app}`, topic: `${app}/1.0.0` })
  }
  for (const { app, device } of devices) t.same(await barrier(server, device, { app, version: '1.0.0' }), [])
})

await t.test('versions', async (t) => {
  const app = 'shop'
  const provider = await connectProvider(t, server)
  const devices = await Promise.all(
    versions.map(async (version, index) => {
      const issued = await issueToken(server, { app, device: `phone ${index}`, version })
      const device = await connectDevice(t, server, issued)
      t.same(await device.subscribe(issued.topics.broadcast!), [1], version)
      return { version, issued, device }
    }),
  )
  t.equal(new Set(devices.map(({ issued }) => issued.topics.broadcast)).size, versions.length)
  for (const { version, issued, device } of devices) {
    await send(server, { app, version }, `over HTTP, ${version}`)
    t.match(await device.next(), { text: `over HTTP, ${version}`, topic: issued.topics.broadcast! })
    // Over MQTT, `*` takes a range of versions, and cannot name the version itself.
    if (version === '*') continue
    await provider.publish(issued.topics.broadcast!, `over MQTT, ${version}`)
    t.equal((await device.next()).text, `over MQTT, ${version}`)
  }
  for (const { version, device } of devices) t.same(texts(await barrier(server, device, { app, version })), [])
})

await t.test('devices and accounts', async (t) => {
  const names = ['a', 'ab', 'a b', 'b', 'żółć', '🦆', '__proto__', 'x'.repeat(128)]
  const devices = await Promise.all(
    names.flatMap((device) =>
      ['', 'a', 'b'].map(async (account) => {
        const app = `app of ${account}`
        const issued = await issueToken(server, { app, device, ...(account === '' ? {} : { account }) })
        return {
          name: `${device} of ${account}`,
          issued,
          client: await connectDevice(t, server, issued, { subscribe: true }),
        }
      }),
    ),
  )
  t.equal(new Set(devices.map(({ issued }) => issued.tokenId)).size, devices.length)
  for (const { name, issued } of devices) await send(server, { token: issued.tokenId }, name)
  for (const { name, client } of devices) t.same(texts(await barrier(server, client)), [name])
})

await t.test('mosquitto_sub on an encoded version', async (t) => {
  const issued = await issueToken(server, { app: 'shell', device: 'phone', version: '1.0+x/y#z%' })
  const sub = await mosquittoSub(
    t,
    server,
    '-u',
    'device',
    '-P',
    issued.token,
    '-q',
    '1',
    '-t',
    issued.topics.broadcast!,
  )
  await send(server, { app: 'shell', version: '1.0+x/y#z%' }, 'encoded')
  t.match(await sub.next(), { topic: issued.topics.broadcast!, payload: 'encoded' })
  await sub.stop()
})
