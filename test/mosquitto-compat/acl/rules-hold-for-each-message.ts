// Does an ACL file decide for every message, live, queued, retained and of a will, for live sessions at once when it changes?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import {
  ann,
  ANN_LINE,
  bob,
  connect,
  eventually,
  passwordFile,
  startServer,
  temporaryFolder,
} from '../../support/index.ts'

const OPEN = 'user bob\ntopic #\n'

await t.test('rules hold for each message', async (t) => {
  const acl = join(temporaryFolder(t, 'acl'), 'acl')
  writeFileSync(
    acl,
    `${OPEN}user ann\ntopic read open/#\ntopic deny open/secret\ntopic write in/%c\npattern own/%u/%c\n`,
  )
  const passwords = passwordFile(t)
  const server = await startServer(t, { settings: { PUSH_PASSWORD_FILE: passwords, PUSH_ACL_FILE: acl } })
  const writer = await connect(t, server, bob)
  await writer.publish('open/retained', '1', { retain: true })
  await writer.publish('open/secret', '1', { retain: true })

  const kept = { clientId: 'phone', clean: false, properties: { sessionExpiryInterval: 100 } } as const
  const reader = await connect(t, server, ann, kept)
  t.same(await reader.subscribe('#'), [1], 'a subscription is granted whatever may be read')
  t.equal((await reader.next()).topic, 'open/retained', 'of what is retained, what may be read')
  await writer.publish('closed', '1')
  await writer.publish('open/secret', '2')
  await writer.publish('open/live', '2')
  t.equal((await reader.next()).topic, 'open/live')
  await t.rejects(reader.publish('open/x', '1'), { code: 0x87 })
  await reader.publish('own/ann/phone', '3')
  t.equal((await reader.next()).topic, 'own/ann/phone')
  await reader.end()

  await writer.publish('open/queued', '4')
  await writer.publish('open/taken', '4')
  writeFileSync(acl, `${OPEN}user ann\ntopic deny open/taken\ntopic readwrite open/#\ntopic write lost/#\n`)
  await server.waitForLog(/reloaded the ACL file/)
  const back = await connect(t, server, ann, kept)
  t.equal((await back.next()).topic, 'open/queued', 'what waited is looked at again')
  await back.publish('open/x', '5')
  t.equal((await back.next()).topic, 'open/x', 'new rules hold')

  const dying = await connect(t, server, ann, { will: { topic: 'lost/1', payload: Buffer.from('will') } })
  const closed = await connect(t, server, ann, { will: { topic: 'elsewhere', payload: Buffer.from('will') } })
  await writer.subscribe(['lost/+', 'elsewhere'])
  await closed.reset()
  await dying.reset()
  t.equal((await writer.next()).topic, 'lost/1', 'a will goes where its user may write')

  writeFileSync(acl, `${OPEN}user ann\ntopic read open/#\ntopic maybe open/#\n`)
  await server.waitForLog(/acl:5: this line needs read, write, readwrite or deny/)
  await back.publish('open/y', '6')
  t.equal((await back.next()).topic, 'open/y', 'a broken file changes nothing')
  writeFileSync(acl, OPEN)
  await eventually('the new rules', async () => {
    const { code } = await back.publish('open/z', '7').then(
      () => ({ code: 0 }),
      (error: { code: number }) => error,
    )
    return code === 0x87
  })
  await writer.publish('open/unread', '8')

  writeFileSync(passwords, `${ANN_LINE.replace('ann', 'carl')}\nbob:$6$AAAA$${Buffer.alloc(64).toString('base64')}\n`)
  await back.closed
  t.equal(back.disconnectPacket?.reasonCode, 0x87, 'who is gone from the password file is disconnected')
  await writer.closed
  t.equal(writer.disconnectPacket?.reasonCode, 0x87, 'and whose password was set again')
})
