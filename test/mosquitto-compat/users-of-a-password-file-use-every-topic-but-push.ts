// May users of a file made by mosquitto_passwd use topics of their own, and is everybody else refused, also when it changes?
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { connect, eventually, issueToken, startServer, temporaryFolder } from '../support/index.ts'

/** Written by mosquitto_passwd 2.0.11: `-b ann secret1`, and `-H sha512 -b bob secret2`. */
const ANN =
  'ann:$7$101$chQ3oJ+MiHWIN+94$TiVlw4F9YIQiObA+Nf40kozx8s89G4q5QUV83sf5IH0LC7u778yRXev1bXSpWn7vTGTraGr5BhFB1JLgw6vngg=='
const BOB =
  'bob:$6$kegOXKsJ6u8TmrFr$NhJ9VvPePyNkogUL9vwOHidkj+3COYmDbWx+uGhgWcaQTnYjWKr8vm3WBONAJWjXzBGNLLs9hc0qzu/4aDk/lA=='
const ann = { username: 'ann', password: 'secret1' }
const bob = { username: 'bob', password: 'secret2' }

await t.test('users of a password file', async (t) => {
  const path = join(temporaryFolder(t, 'users'), 'passwords')
  writeFileSync(path, `${ANN}\n${BOB}\n`)
  const server = await startServer(t, { settings: { PUSH_PASSWORD_FILE: path } })

  const listener = await connect(t, server, ann, { clientId: 'same' })
  t.same(await listener.subscribe('sensors/#'), [1], 'a user subscribes to topics of its own')
  const sender = await connect(t, server, bob, { clientId: 'same', protocolVersion: 4 })
  await sender.publish('sensors/kitchen', '21')
  t.equal((await listener.next()).text, '21', 'and hears another user, whose client id is the same')

  const issued = await issueToken(server, { app: 'shop', device: 'phone', account: 'ann' })
  await t.rejects(listener.publish(issued.topics.private, 'no'), { code: 0x87 }, 'push topics are not for users')

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

  writeFileSync(path, `${ANN}\n`)
  await eventually('the end of a user who is in the file no more', () =>
    connect(t, server, bob).then(
      (still) => still.end().then(() => false),
      ({ code }: { code: number }) => code === 0x87,
    ),
  )
  writeFileSync(path, 'ann:secret1\n')
  await eventually('a look at the broken file', async () => {
    await (await connect(t, server, ann)).end()
    return server.logs.some((line) => line.includes('cannot read the password file'))
  })
  rmSync(path)
  await (await connect(t, server, ann)).end()
  t.notOk(
    server.logs.some((line) => line.includes('secret1')),
    'no password is logged',
  )
})
