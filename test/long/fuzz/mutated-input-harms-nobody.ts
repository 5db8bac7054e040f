// Do packets, HTTP requests, upgrades and WebSocket frames that were changed at random, of devices, providers and
// strangers, crash, hang or fill the server, make it say a secret, or keep others from being served?
// `npm run test:long -- --seconds 60 test/long/fuzz` runs it for a minute.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../../support/tap.ts'
import type { ProtocolLevel } from '../../../broker/codec/packets.ts'
import { seededRandom } from '../../support/random.ts'
import { residentMiB } from '../../hostile/support/memory.ts'
import {
  connectBytes,
  type ConnectFields,
  eventually,
  issueToken,
  lookup,
  metric,
  request,
  revoke,
  send,
  startRedis,
  startServerProcess,
  temporaryFolder,
} from '../../support/index.ts'
import { createCorpus, type Sender } from './support/corpus.ts'
import { exchange } from './support/exchange.ts'
import { createCounts, type Kind, KINDS, type Lane, runLane } from './support/lanes.ts'
import { packetLane } from './support/packet-lane.ts'
import { identityProvider, makeProofs } from './support/proofs.ts'
import { requestLane } from './support/request-lane.ts'
import type { Material } from './support/script.ts'
import { socketLane } from './support/socket-lane.ts'
import { watchServer } from './support/watch.ts'

/** Of all kinds together; each kind has its share. */
const INPUTS = Number(process.env.PUSH_TEST_INPUTS ?? Number.POSITIVE_INFINITY)
const ONLY = process.env.PUSH_TEST_ONLY
const SECONDS = Number(process.env.PUSH_TEST_SECONDS ?? (ONLY === undefined ? 1_800 : 10))
const SHARES: Readonly<Record<Kind, number>> = { packets: 0.5, requests: 0.1, frames: 0.4 }
const LANES: Readonly<Record<Kind, number>> = { packets: 24, requests: 16, frames: 12 }
const GROWTH_MIB = 200
/** Processor time that one turn may take with an input of every lane in it. */
const LONGEST_TURN_MS = 1_000
const LEVELS = [3, 4, 5] as const
const APP = 'fuzz'
const SPARE_APP = 'spare'
/** May act for the app of the lanes alone: whatever its lanes send, the healthy are somebody else's. */
const LANE_KEY = 'key-of-the-lanes-0123456789'

const { seed } = seededRandom()
t.comment(`PUSH_TEST_SEED=${seed} repeats the inputs of this run`)

const folder = temporaryFolder(t, 'providers')
const providersFile = join(folder, 'providers.json')
writeFileSync(providersFile, JSON.stringify([{ name: 'lanes', key: LANE_KEY, apps: [APP, SPARE_APP] }]))
const issuers = await identityProvider(folder, APP)
// The same on Redis, for whoever wants it.
const redis = process.env.PUSH_TEST_REDIS === '1' ? await startRedis(t, { appendfsync: 'everysec' }) : undefined
const server = await startServerProcess(t, {
  settings: {
    PUSH_LOG_LEVEL: 'warn',
    PUSH_PROVIDERS_FILE: providersFile,
    PUSH_ISSUERS_FILE: issuers.file,
    PUSH_MAX_KEYS: '100',
    ...(redis === undefined ? {} : { PUSH_REDIS_URL: redis.url }),
    // No lookup holds a lane up, and no limit keeps what comes behind it from being looked at.
    PUSH_MAX_WAIT: '1',
    PUSH_MAX_CONNECTS_PER_TOKEN: '0',
    PUSH_MAX_DEVICE_PUBLISHES: '0',
    PUSH_MAX_TOKEN_REQUESTS: '0',
  },
  // A leak ends the process in a long run.
  nodeFlags: ['--max-old-space-size=384'],
})
const healthy = await exchange(t, server)
const proofs = await makeProofs(server, { app: APP, spareApp: SPARE_APP, identity: issuers.identity })
const counts = createCounts()
/** Set when the lanes are made, which takes a while. */
let start = Number.POSITIVE_INFINITY
const secondsSinceStart = () => Math.max(0, performance.now() - start) / 1000
const shareOf = (kind: Kind) => Math.max(counts[kind].inputs / (INPUTS * SHARES[kind]), secondsSinceStart() / SECONDS)
const share = () => Math.min(...KINDS.map(shareOf))
const watch = watchServer(
  server,
  [server.providerKey, LANE_KEY, proofs.adminKey, proofs.operatorKey, proofs.identity, proofs.code, ...healthy.secrets],
  share,
)
let stopped = false

async function materialsOf(
  name: string,
  number: number,
  levels: readonly ProtocolLevel[],
): Promise<readonly Material[]> {
  const sender = (['device', 'provider', 'device', 'nobody'] as const satisfies Sender[])[number % 4] ?? 'nobody'
  const issued = await issueToken(server, { app: APP, device: name, version: '1.0' })
  const names = { app: APP, tokenId: issued.tokenId, privateTopic: issued.topics.private }
  const asProvider = sender === 'provider' || (sender === 'nobody' && number % 8 === 3)
  const credentials: ConnectFields = asProvider
    ? { username: 'provider', password: Buffer.from(LANE_KEY) }
    : { token: issued.token }
  const random = seededRandom(seed + number)
  return levels.map((level) => ({
    sender,
    level,
    corpus: createCorpus(level, sender, names, seed + number),
    connect: connectBytes({ ...credentials, clientId: name, clean: random.chance(0.7) }, level),
  }))
}

async function createRequestLane(name: string): Promise<Lane> {
  const device = await issueToken(server, { app: APP, device: name, version: '1.0' })
  const revoked = await issueToken(server, { app: APP, device: `${name}-revoked`, version: '1.0' })
  await revoke(server, revoked.tokenId)
  await send(server, { token: device.tokenId }, 'the first')
  const { cursor } = await lookup(server, device.token)
  const foreign = { app: 'healthy', tokenId: healthy.tokenId }
  return requestLane(name, server, { app: APP, providerKey: LANE_KEY, device, revoked, cursor, foreign, proofs }, watch)
}

const makers: Readonly<Record<Kind, (name: string, number: number) => Promise<Lane>>> = {
  packets: async (name, number) => {
    const overWebSocket = number % 8 === 6 || number % 16 === 1
    return packetLane(name, server, { overWebSocket, materials: await materialsOf(name, number, LEVELS) })
  },
  requests: createRequestLane,
  frames: async (name, number) => {
    const level = LEVELS[number % LEVELS.length] ?? 5
    return socketLane(name, server, await materialsOf(name, number, [level]), watch)
  },
}

const lanes = await Promise.all(
  KINDS.flatMap((kind) =>
    Array.from({ length: LANES[kind] }, (_, number) => makers[kind](`${kind}-${number}`, number)),
  ),
)
const filesBefore = watch.openFiles
start = performance.now()
const tell = setInterval(() => progress().forEach((line) => t.comment(line)), 60_000)
t.teardown(() => clearInterval(tell))

function progress(): string[] {
  const lines = KINDS.map((kind) => {
    const { inputs, changed, bytes, connections, closedByServer, answers } = counts[kind]
    const statuses = [...answers].sort(([one], [other]) => one - other).map(([status, times]) => `${status}: ${times}`)
    const size = `${Math.round(bytes / 2 ** 20)} MiB`
    return [
      `${inputs} ${kind} (${changed} of them changed, ${size}) on ${connections} connections`,
      `${closedByServer} of them closed by the server`,
      ...statuses,
    ].join(', ')
  })
  const memory = `server ${Math.round(residentMiB(server.pid))} MiB, at most ${Math.round(watch.longestMs)} ms a turn`
  return [
    ...lines,
    `${healthy.exchanged} messages between the healthy in ${Math.round(secondsSinceStart())} s; ${memory}`,
  ]
}

/** The codes of the connections that the server closed or refused. */
async function closes(): Promise<string[]> {
  const { text } = await request(server, 'GET', '/metrics', { bearer: null })
  return text.split('\n').filter((line) => /^push_(disconnects|refused_connects)_total/.test(line))
}

await t.test('the server survives, and says what it has to', async (t) => {
  const over = (kind: Kind) => stopped || shareOf(kind) >= 1
  const running = lanes.map((lane) => runLane(lane, { seed, counts, over, only: ONLY }))
  // One fault ends it.
  for (const lane of running) lane.catch(() => (stopped = true))
  void server.exited.then(() => (stopped = true))
  const faults = (await Promise.allSettled(running)).filter((end) => end.status === 'rejected')
  for (const line of progress()) t.comment(line)
  for (const line of await closes()) t.comment(line)
  t.same(
    faults.map(({ reason }) => String(reason)),
    [],
    'every connection got an answer or a specified close',
  )
})

await t.test('the healthy were served all the time', async (t) => {
  await healthy.stop()
  t.ok(healthy.exchanged > 0, `${healthy.exchanged} messages arrived`)
  await watch.stop()
  t.ok(watch.longestMs < LONGEST_TURN_MS, `no turn took more than ${Math.round(watch.longestMs)} ms of the processor`)
})

await t.test('nothing of it stays', async (t) => {
  t.ok(server.running, 'the process is the same')
  await eventually(
    'the end of all connections',
    async () =>
      (await metric(server, 'push_connections', 'principal="device"')) === 1 &&
      (await metric(server, 'push_connections', 'principal="provider"')) === 1 &&
      watch.openFiles <= filesBefore,
  )
  const { warm, most } = watch.memory
  t.ok(most - warm < GROWTH_MIB, `memory: ${warm} MiB when warm, ${most} MiB later`)
  t.equal(await metric(server, 'push_disconnects_total', 'code="INTERNAL"'), 0, 'no fault of our own')
  t.equal(await metric(server, 'push_unexpected_errors_total'), 0, 'no error that nobody expected')
  t.same(
    server.logs.filter((line) => /"level":(50|60|"error"|"fatal")/.test(line)),
    [],
    'no error in the log',
  )
  for (const line of server.logs) watch.checkSecrets(line)
})
