// When users are refused, by a password file or by the users of an embedder, is each told why, logged and counted by a code?
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { PushError, type Users } from '../../index.ts'
import { MosquittoUsers, PasswordChecks, Passwords } from '../../mosquitto-compat/index.ts'
import { connectRaw } from '../support/index.ts'
import { embed } from './support/embed.ts'

const refusing = (answer: () => undefined): Users => ({ authenticate: async () => answer() })
const throwing = (error: Error) =>
  refusing(() => {
    throw error
  })

const passwords = new Passwords(
  'bob:$6$kegOXKsJ6u8TmrFr$NhJ9VvPePyNkogUL9vwOHidkj+3COYmDbWx+uGhgWcaQTnYjWKr8vm3WBONAJWjXzBGNLLs9hc0qzu/4aDk/lA==\n',
)
const checks = new PasswordChecks({ failures: 0, now: () => performance.now() })
const users = new MosquittoUsers({ checks }, { passwords, allowAnonymous: false })

for (const [what, asked, code, reasonCode, returnCode] of [
  ['a password file', users, 'USER_REFUSED', 0x87, 5],
  ['nobody', refusing(() => undefined), 'USER_REFUSED', 0x87, 5],
  ['not authorized', throwing(new PushError('USER_REFUSED')), 'USER_REFUSED', 0x87, 5],
  ['bad user name or password', throwing(new PushError('CREDENTIALS_INVALID')), 'CREDENTIALS_INVALID', 0x86, 4],
  ['server unavailable', throwing(new PushError('USER_UNCHECKED')), 'USER_UNCHECKED', 0x88, 3],
  ['any other error', throwing(new Error('private')), 'USER_UNCHECKED', 0x88, 3],
  ['identifier rejected', throwing(new PushError('CLIENT_ID_INVALID')), 'CLIENT_ID_INVALID', 0x85, 2],
] as const) {
  await t.test(what, async (t) => {
    const logs: string[] = []
    const logger = pino({ level: 'info' }, { write: (line: string) => void logs.push(line) })
    const server = await embed(t, { users: asked, logger })
    const eve = { username: 'bob', password: Buffer.from('wrong') }
    const told = await (await connectRaw(t, server.mqttPort, { protocolVersion: 5 })).connect(eve)
    t.match(told, { reasonCode, properties: { reasonString: /./ } })
    t.notMatch(told.properties?.reasonString, /private/)
    const four = await connectRaw(t, server.mqttPort, { protocolVersion: 4 })
    t.match(await four.connect(eve), { returnCode })
    await four.closed
    const { values } = await server.push.metrics.refusedConnects.get()
    t.same(
      values.map(({ labels, value }) => [labels['code'], value]),
      [[code, 2]],
    )
    t.equal(logs.filter((line) => line.includes('"msg":"CONNECT refused"') && line.includes(`"${code}"`)).length, 2)
  })
}
