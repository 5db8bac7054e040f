// Do packets that were changed at random, of devices, providers and strangers, crash, hang or fill the server, or keep
// others from being served? `npm run fuzz` runs it for long.
import { readdirSync } from 'node:fs'
import t from 'tap'
import { seededRandom } from '../crash/support/random.ts'
import { residentMiB } from '../hostile/support/memory.ts'
import { connectBytes, eventually, issueToken, metric, request, startServer } from '../support/index.ts'
import type { ConnectFields } from '../support/index.ts'
import { createCorpus, type Sender } from './support/corpus.ts'
import { exchange } from './support/exchange.ts'
import { type Counts, type Lane, runLane } from './support/lane.ts'

const PACKETS = Number(process.env.PUSH_TEST_FUZZ_PACKETS ?? 6_000)
const SECONDS = Number(process.env.PUSH_TEST_FUZZ_SECONDS ?? 60)
const LANES = 24
const GROWTH_MIB = 200
const LEVELS = [3, 4, 5] as const

const { seed } = seededRandom()
t.comment(`PUSH_TEST_SEED=${seed} repeats the packets of this run`)

// A leak ends the process in a long run.
const server = await startServer(t, {
  settings: { PUSH_LOG_LEVEL: 'warn' },
  nodeFlags: ['--max-old-space-size=384'],
})
const openFiles = () => readdirSync(`/proc/${server.pid}/fd`).length

async function createLane(number: number): Promise<Lane> {
  const sender = (['device', 'provider', 'device', 'nobody'] as const satisfies Sender[])[number % 4] ?? 'nobody'
  const issued = await issueToken(server, { app: 'fuzz', device: `lane-${number}`, version: '1.0' })
  const names = { app: 'fuzz', tokenId: issued.tokenId, privateTopic: issued.topics.private }
  const asProvider = sender === 'provider' || (sender === 'nobody' && number % 8 === 3)
  const credentials: ConnectFields = asProvider
    ? { username: 'provider', password: Buffer.from(server.providerKey) }
    : { token: issued.token }
  const random = seededRandom(seed + number)
  const materials = LEVELS.map((level) => ({
    sender,
    level,
    corpus: createCorpus(level, sender, names, seed + number),
    connect: connectBytes({ ...credentials, clientId: `fuzz-${number}`, clean: random.chance(0.7) }, level),
  }))
  return { name: `lane ${number}, ${sender}`, overWebSocket: number % 8 === 6 || number % 16 === 1, random, materials }
}

const lanes = await Promise.all(Array.from({ length: LANES }, (_, number) => createLane(number)))
const healthy = await exchange(t, server)
const filesBefore = openFiles()
const counts: Counts = { packets: 0, mutated: 0, bytes: 0, connections: 0, closedByServer: 0 }
const start = performance.now()
const share = () => Math.max(counts.packets / PACKETS, (performance.now() - start) / 1000 / SECONDS)
let stopped = false
const over = () => stopped || share() >= 1

/** Resident memory after the first fifth, and the most since. */
const memory = { warm: 0, most: 0 }
const look = setInterval(() => {
  if (!server.running) return
  const now = residentMiB(server.pid)
  if (share() < 0.2) memory.warm = Math.max(memory.warm, now)
  else memory.most = Math.max(memory.most, now)
}, 250)
const tell = setInterval(() => t.comment(progress()), 60_000)
t.teardown(() => [look, tell].forEach(clearInterval))

function progress(): string {
  const { packets, mutated, bytes, connections, closedByServer } = counts
  const seconds = (performance.now() - start) / 1000
  return [
    `${packets} packets (${mutated} of them changed, ${Math.round(bytes / 2 ** 20)} MiB)`,
    `on ${connections} connections, ${closedByServer} of them closed by the server`,
    `in ${Math.round(seconds)} s: ${Math.round(packets / seconds)} a second`,
    `${healthy.exchanged} messages between the healthy; server ${Math.round(residentMiB(server.pid))} MiB`,
  ].join('; ')
}

/** The codes of the connections that the server closed or refused. */
async function closes(): Promise<string[]> {
  const { text } = await request(server, 'GET', '/metrics', { bearer: null })
  return text.split('\n').filter((line) => /^push_(disconnects|refused_connects)_total/.test(line))
}

await t.test('the server survives, and says what it has to', async (t) => {
  const running = lanes.map((lane) => runLane(lane, server, counts, over))
  // One fault ends it: the seed, the lane and the number of the connection find it again.
  for (const lane of running) lane.catch(() => (stopped = true))
  void server.exited.then(() => (stopped = true))
  const faults = (await Promise.allSettled(running)).filter((end) => end.status === 'rejected')
  t.comment(progress())
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
})

await t.test('nothing of it stays', async (t) => {
  t.ok(server.running, 'the process is the same')
  await eventually(
    'the end of all connections',
    async () =>
      (await metric(server, 'push_connections', 'principal="device"')) === 1 &&
      (await metric(server, 'push_connections', 'principal="provider"')) === 1 &&
      openFiles() <= filesBefore + LANES,
  )
  t.ok(memory.most - memory.warm < GROWTH_MIB, `memory: ${memory.warm} MiB when warm, ${memory.most} MiB later`)
  t.equal(await metric(server, 'push_disconnects_total', 'code="INTERNAL"'), 0, 'no fault of our own')
  t.same(
    server.logs.filter((line) => /"level":(50|60|"error"|"fatal")/.test(line)),
    [],
    'no error in the log',
  )
})
