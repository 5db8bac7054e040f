/** A storm over nodes, from the first token to the books: what the tests of this folder have in common. */
import type { Test } from 'tap'
import { eventually, issueToken, passwordFile, request, send } from '../../../support/index.ts'
import { type Member, sessionKind } from '../../crash/support/devices.ts'
import { checkFaults, Ledger } from '../../crash/support/ledger.ts'
import { openReaders, readersOf, roamingReader } from '../../crash/support/readers.ts'
import { openUsers, POOL, roamingUser, usersOf } from '../../crash/support/users.ts'
import { livePublisher, type PublisherKind } from '../../crash/support/publishers.ts'
import { type SeededRandom, seededRandom } from '../../../support/random.ts'
import { startNodeProcess } from '../../../nodes/support/nodes.ts'
import { anyOf, createWeather, roamingDevice, storm, type Strikes } from './storm.ts'

export interface StormPlan {
  /** Of Redis, one for each node. */
  readonly urls: readonly [string, ...string[]]
  /** Of each node. */
  readonly settings?: Record<string, string>
  readonly devices: number
  /** One a publisher. */
  readonly publishers: readonly PublisherKind[]
  readonly seconds: number
  /** Between two kills of a node. */
  readonly everyMs: number
  /** Kills of a node between two strikes at Redis. */
  readonly storeEvery: number
  /** Strikes Redis, and resolves when it is whole again. */
  readonly strikeStore: (random: SeededRandom, ledger: Ledger) => Promise<void>
}

export interface Outcome {
  readonly strikes: Strikes
  readonly accepted: number
  /** Deliveries that were not the first of their message. */
  readonly duplicated: number
}

const APP = 'shop'
const FOREIGN_APP = 'bank'
const USERS = 6
const SETTINGS = {
  PUSH_MAX_STORED: '100000',
  PUSH_MAX_PENDING_MESSAGES: '30000',
  PUSH_MAX_BROADCASTS: '100000',
  PUSH_SWEEP: '5',
  PUSH_SESSION_RECHECK: '5',
}

/** Checks that nothing was lost, and that nobody got what was not theirs. */
export async function rideOut(t: Test, plan: StormPlan): Promise<Outcome> {
  const random = seededRandom()
  t.comment(`PUSH_TEST_SEED=${random.seed} repeats the choices of this run`)
  const settings = { ...SETTINGS, PUSH_PASSWORD_FILE: passwordFile(t), ...plan.settings }
  const nodes = await Promise.all(plan.urls.map((url) => startNodeProcess(t, url, settings)))
  const target = anyOf(nodes, random)
  const members: Member[] = []
  for (let index = 0; index < plan.devices; index += 1) {
    const names = { device: `device-${index}`, account: `account-${index}`, version: `1.${index % 5}.0` }
    const issued = await issueToken(target, { app: APP, ...names })
    members.push({ name: names.device, version: names.version, issued, options: sessionKind(index) })
  }

  const ledger = new Ledger()
  const weather = createWeather()
  const readers = readersOf(APP, FOREIGN_APP, members)
  await openReaders(t, target, readers)
  const users = usersOf(USERS)
  await openUsers(t, target, users)
  const devices = [
    ...members.map((member) => roamingDevice(target, member, readers, ledger, weather, random)),
    ...readers.map((reader) => roamingReader(target, reader, ledger, weather, random)),
    ...users.map((user) => roamingUser(target, user, users, ledger, weather, random)),
  ]
  const publishers = plan.publishers.map((kind, index) =>
    livePublisher(target, { name: `publisher-${index}`, app: APP, kind, members }, ledger, weather, random),
  )
  const { everyMs, storeEvery } = plan
  const strikeStore = () => plan.strikeStore(random, ledger)
  const times = Math.ceil((plan.seconds * 1000) / everyMs)
  const strikes = await storm(nodes, { times, everyMs, storeEvery, strikeStore }, random)
  weather.calm = true
  await Promise.all(publishers)
  await eventually('nodes that are ready', async () => {
    const answers = await Promise.all(nodes.map((node) => request(node, 'GET', '/readyz', { bearer: null })))
    return answers.every(({ status }) => status === 200)
  })
  await sendLast(target, members, ledger)
  await ledger.everythingArrived()
  weather.over = true
  await Promise.all(nodes.map((node) => node.stop()))
  await Promise.all(devices)

  const { accepted, acceptedUpstream, acceptedGeneral, owed, delivered, unanswered, ...rest } = ledger.account()
  const { duplicated, duplicatedGeneral, ...bad } = rest
  t.comment(`${strikes.nodes} kills of a node, ${strikes.store} strikes at Redis`)
  t.comment(
    `accepted ${accepted}, of them upstream ${acceptedUpstream}, of users ${acceptedGeneral}, owed ${owed}, delivered ${delivered}, without an answer ${unanswered}`,
  )
  t.comment(
    `duplicated ${duplicatedGeneral} of users, else ${duplicated} (${((duplicated / delivered) * 100).toFixed(2)} %)`,
  )
  checkFaults(t, bad)
  // Members of a group have no common order.
  const outOfOrder = bad.outOfOrder.filter((line) => !line.endsWith(' to workers') && !line.endsWith(` to ${POOL}`))
  t.same(outOfOrder, [], 'and everything is in order')
  const crashes = nodes.flatMap(({ logs }) => logs.filter((line) => /"level":60/.test(line)))
  t.same(crashes, [], 'no node ended by itself')
  t.ok(acceptedUpstream > plan.seconds, 'devices published upstream')
  t.ok(acceptedGeneral > plan.seconds / 2, 'and users to general topics')
  return { strikes, accepted, duplicated }
}

/** Logs are ordered: where the last message has arrived, everything before it has, or never will. */
async function sendLast(target: Parameters<typeof send>[0], members: readonly Member[], ledger: Ledger) {
  const names = members.map(({ name }) => name)
  for (const { name, issued } of members) {
    ledger.sending(`last-${name}`, 'last', 1, 'private', [name])
    await send(target, { token: issued.tokenId }, `last-${name}`)
    ledger.accepted(`last-${name}`)
  }
  ledger.sending('last-broadcast', 'last', 1, 'broadcast', names)
  await send(target, { app: APP, versions: '*' }, 'last-broadcast')
  ledger.accepted('last-broadcast')
  await ledger.until(() =>
    names.every((name) => ledger.has(name, `last-${name}`) && ledger.has(name, 'last-broadcast')),
  )
}
