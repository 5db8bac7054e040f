// May users of a file made by mosquitto_passwd use topics of their own, and is everybody else refused, also when it changes?
import { rmSync, writeFileSync } from 'node:fs'
import { t } from '../../support/tap.ts'
import {
  ann,
  ANN_LINE,
  bob,
  connect,
  connectDevice,
  eventually,
  issueToken,
  passwordFile,
  send,
  startServer,
} from '../../support/index.ts'

await t.test('users of a password file', async (t) => {
  const path = passwordFile(t)
  const server = await startServer(t, { settings: { PUSH_PASSWORD_FILE: path } })

  const listener = await connect(t, server, ann, { clientId: 'same' })
  t.same(await listener.subscribe('sensors/#'), [1], 'a user subscribes to topics of its own')
  const sender = await connect(t, server, bob, { clientId: 'same', protocolVersion: 4 })
  await sender.publish('sensors/kitchen', '21')
  t.equal((await listener.next()).text, '21', 'and hears another user, whose client id is the same')

  const issued = await issueToken(server, { app: 'shop', device: 'phone', account: 'ann' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  await listener.publish(issued.topics.private, 'of a user')
  await send(server, { token: issued.token }, 'of the provider')
  t.equal(
    (await device.next()).text,
    'of the provider',
    'what looks like a push topic is a topic of users, and of no device',
  )

  for (const topic of ['$share/group/sensors', '$SYS/broker/clients'])
    await t.rejects(listener.publish(topic, 'no'), { code: 0x87 }, `${topic} is the server's`)

  for (const [what, who] of Object.entries({
    'a wrong password': { ...ann, password: 'secret2' },
    'no password': { username: 'ann' },
    'an unknown name': { username: 'eve', password: 'secret1' },
  })) {
    await t.rejects(connect(t, server, who), { code: 0x87 }, `${what} is refused in MQTT 5`)
    await t.rejects(connect(t, server, who, { protocolVersion: 4 }), { code: 5 }, `${what} is refused in MQTT 3.1.1`)
  }

  for (const [who, willDelayInterval] of [
    [bob, 2],
    [ann, 3],
  ] as const) {
    const will = { topic: 'sensors/lost', payload: Buffer.from(who.username), properties: { willDelayInterval } }
    const lost = await connect(t, server, who, { clientId: 'lost', will, properties: { sessionExpiryInterval: 100 } })
    await lost.reset()
  }
  writeFileSync(path, `${ANN_LINE}\n`)
  t.equal((await listener.next()).text, 'ann', 'the will of a user who is in the file no more is not sent')
  await eventually('the end of a user who is in the file no more', () =>
    connect(t, server, bob).then(
      (still) => still.end().then(() => false),
      ({ code }: { code: number }) => code === 0x87,
    ),
  )
  writeFileSync(path, 'ann:secret1\n')
  await eventually('a look at the broken file', async () => {
    await (await connect(t, server, ann)).end()
    return server.logs.some((line) => line.includes('cannot use the password file'))
  })
  rmSync(path)
  await (await connect(t, server, ann)).end()
  t.notOk(
    server.logs.some((line) => line.includes('secret1')),
    'no password is logged',
  )
})
