// Is every message that got its 202 or PUBACK delivered, to the right devices only, when the server is killed 25 times?
import { setTimeout as pause } from 'node:timers/promises'
import { t } from '../../support/tap.ts'
import { type ServerProcess, issueToken, passwordFile, send, startServerProcess } from '../../support/index.ts'
import { type Member, type Weather, liveDevice, sessionKind } from './support/devices.ts'
import { checkFaults, Ledger } from './support/ledger.ts'
import { openReaders, readersOf, roamingReader } from './support/readers.ts'
import { livePublisher, publisherKind } from './support/publishers.ts'
import { openUsers, POOL, roamingUser, usersOf } from './support/users.ts'
import { seededRandom } from '../../support/random.ts'

const KILLS = 25
const DEVICES = 20
const PUBLISHERS = 20
const USERS = 6
const app = 'shop'
const random = seededRandom()
t.comment(`PUSH_TEST_SEED=${random.seed} repeats the choices of this run`)

const server = await startServerProcess(t, {
  settings: {
    PUSH_LOG_LEVEL: 'warn',
    PUSH_MAX_PENDING_MESSAGES: '30000',
    PUSH_MAX_BROADCASTS: '100000',
    PUSH_MAX_STORED: '100000',
    PUSH_PASSWORD_FILE: passwordFile(t),
  },
})
const members: Member[] = []
for (let index = 0; index < DEVICES; index++) {
  const version = `1.${index % 5}.0`
  const issued = await issueToken(server, { app, device: `device-${index}`, account: `account-${index}`, version })
  members.push({ name: `device-${index}`, version, issued, options: sessionKind(index) })
}

const ledger = new Ledger()
const weather: { -readonly [K in keyof Weather]: Weather[K] } = { up: Promise.resolve(), calm: false, over: false }

/** Kills it, sometimes again while it starts, and brings it back. */
async function killAndStart(target: ServerProcess): Promise<void> {
  await target.kill()
  if (random.chance(0.2)) {
    const starting = target.restart().catch(() => undefined)
    // Any moment of a start is a moment to die in.
    await pause(random.between(100, 1500))
    await target.kill()
    await starting
  }
  await target.restart()
}

const readers = readersOf(app, 'bank', members)
await openReaders(t, server, readers)
const users = usersOf(USERS)
await openUsers(t, server, users)
const devices = [
  ...members.map((member) => liveDevice(server, member, readers, ledger, weather, random)),
  ...readers.map((reader) => roamingReader(server, reader, ledger, weather, random)),
  ...users.map((user) => roamingUser(server, user, users, ledger, weather, random)),
]
const publishers = Array.from({ length: PUBLISHERS }, (_, index) =>
  livePublisher(
    server,
    { name: `publisher-${index}`, app, kind: publisherKind(index), members },
    ledger,
    weather,
    random,
  ),
)

for (let kill = 0; kill < KILLS; kill++) {
  const { acceptedCount, arrivalCount } = ledger
  const [accepted, arrived] = [random.between(0, 120), random.between(0, 240)]
  await ledger.until(
    () => ledger.acceptedCount >= acceptedCount + accepted && ledger.arrivalCount >= arrivalCount + arrived,
  )
  weather.up = killAndStart(server)
  await weather.up
}
weather.calm = true
await Promise.all(publishers)

// Logs are ordered: where the last message has arrived, everything before it has, or never will.
for (const { name, issued } of members) {
  ledger.sending(`last-${name}`, 'last', 1, 'private', [name])
  await send(server, { token: issued.tokenId }, `last-${name}`)
  ledger.accepted(`last-${name}`)
}
ledger.sending(
  'last-broadcast',
  'last',
  1,
  'broadcast',
  members.map(({ name }) => name),
)
await send(server, { app, versions: '*' }, 'last-broadcast')
ledger.accepted('last-broadcast')
await ledger.until(() =>
  members.every(({ name }) => ledger.has(name, `last-${name}`) && ledger.has(name, 'last-broadcast')),
)
await ledger.everythingArrived()
weather.over = true
await server.stop()
await Promise.all(devices)
const account = ledger.account()

const { accepted, acceptedUpstream, acceptedGeneral, owed, delivered, unanswered, ...rest } = account
const { duplicated, duplicatedGeneral, ...bad } = rest
t.comment(
  `accepted ${accepted}, of them upstream ${acceptedUpstream}, of users ${acceptedGeneral}; without an answer ${unanswered}`,
)
t.comment(`owed ${owed}, delivered ${delivered}, duplicated ${duplicated}, of users ${duplicatedGeneral}`)
checkFaults(t, bad)
// Members of a group have no common order.
t.same(
  bad.outOfOrder.filter((line) => !line.endsWith(' to workers') && !line.endsWith(` to ${POOL}`)),
  [],
  'and everything is in order',
)
t.ok(accepted > 500 && acceptedUpstream > 100 && acceptedGeneral > 50, 'under load')
t.notOk(
  server.logs.some((line) => /"level":(50|60)/.test(line)),
  'and nothing failed in the server',
)
