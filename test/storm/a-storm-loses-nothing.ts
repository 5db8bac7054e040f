// Three nodes, one killed every second or two, and Redis every fifth time: is all that was accepted delivered, to the right devices?
import t from 'tap'
import { eventually, issueToken, request, send, startRedis } from '../support/index.ts'
import { type Member, sessionKind } from '../crash/support/devices.ts'
import { checkFaults, Ledger } from '../crash/support/ledger.ts'
import { livePublisher, publisherKind } from '../crash/support/publishers.ts'
import { seededRandom } from '../crash/support/random.ts'
import { startNodes } from '../nodes/support/nodes.ts'
import { anyOf, createWeather, roamingDevice, storm } from '../nodes/support/storm.ts'

const SECONDS = Number(process.env.PUSH_TEST_STORM_SECONDS ?? 20)
/** A short run starts its nodes again half as often: the rest of the time it delivers, as a long one does. */
const EVERY_MS = SECONDS >= 60 ? 1_000 : 2_000
const NODES = 3
const DEVICES = 50
const PUBLISHERS = 10
/** What comes twice is what a kill or a reset finds delivered, and not written yet. */
const MOST_DUPLICATES = 0.01
const SETTINGS = { PUSH_MAX_PENDING_MESSAGES: '30000', PUSH_MAX_BROADCASTS: '100000', PUSH_SWEEP: '5' }

await t.test(`a storm of ${SECONDS} s`, async (t) => {
  const random = seededRandom()
  t.comment(`PUSH_TEST_SEED=${random.seed} repeats the choices of this run`)
  const redis = await startRedis(t)
  const nodes = await startNodes(t, redis.url, NODES, SETTINGS)
  const target = anyOf(nodes, random)
  const app = 'shop'
  const members: Member[] = []
  for (let index = 0; index < DEVICES; index += 1) {
    const names = { device: `device-${index}`, account: `account-${index}`, version: `1.${index % 5}.0` }
    const issued = await issueToken(target, { app, ...names })
    members.push({ name: names.device, version: names.version, issued, options: sessionKind(index) })
  }

  const ledger = new Ledger()
  const weather = createWeather()
  const devices = members.map((member) => roamingDevice(target, member, ledger, weather, random))
  const publishers = Array.from({ length: PUBLISHERS }, (_, index) => {
    const publisher = { name: `publisher-${index}`, app, kind: publisherKind(index), members }
    return livePublisher(target, publisher, ledger, weather, random)
  })
  const strikes = await storm(nodes, redis, { times: (SECONDS * 1000) / EVERY_MS, everyMs: EVERY_MS }, random)
  weather.calm = true
  await Promise.all(publishers)
  await eventually('nodes that are ready', async () => {
    const answers = await Promise.all(nodes.map((node) => request(node, 'GET', '/readyz', { bearer: null })))
    return answers.every(({ status }) => status === 200)
  })

  // Logs are ordered: where the last message has arrived, everything before it has, or never will.
  const names = members.map(({ name }) => name)
  for (const { name, issued } of members) {
    ledger.sending(`last-${name}`, 'last', 1, 'private', [name])
    await send(target, { token: issued.tokenId }, `last-${name}`)
    ledger.accepted(`last-${name}`)
  }
  ledger.sending('last-broadcast', 'last', 1, 'broadcast', names)
  await send(target, { app, versions: '*' }, 'last-broadcast')
  ledger.accepted('last-broadcast')
  await ledger.until(() =>
    names.every((name) => ledger.has(name, `last-${name}`) && ledger.has(name, 'last-broadcast')),
  )
  weather.over = true
  await Promise.all(nodes.map((node) => node.stop()))
  await Promise.all(devices)

  const { accepted, owed, delivered, duplicated, unanswered, ...bad } = ledger.account()
  const share = duplicated / delivered
  t.comment(`${strikes.nodes} kills of a node, ${strikes.redis} of Redis`)
  t.comment(`accepted ${accepted}, owed ${owed}, delivered ${delivered}, without an answer ${unanswered}`)
  t.comment(`duplicated ${duplicated} (${(share * 100).toFixed(2)} %)`)
  checkFaults(t, bad)
  t.ok(share < MOST_DUPLICATES, `less than ${MOST_DUPLICATES * 100} % comes twice`)
  t.ok(accepted > SECONDS * 10, 'under load')
  const crashes = nodes.flatMap(({ logs }) => logs.filter((line) => /"level":60/.test(line)))
  t.same(crashes, [], 'no node ended by itself')
})
