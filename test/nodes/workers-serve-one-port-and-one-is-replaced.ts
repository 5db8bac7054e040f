// Do several processes of one server share ports, messages, limits and metrics, and are those that are killed replaced?
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { t } from '../support/tap.ts'
import { connectRaw, eventually, issueToken, metric, send, startRedis, startServerProcess } from '../support/index.ts'
import { connectAll } from './support/nodes.ts'

const WORKERS = 3
const DEVICES = 24
/** A minute, with one token. */
const CONNECTS = 8

/** Processes whose parent this is. */
function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => parentOf(pid) === parent)
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    // It has ended since the folder was read.
    return undefined
  }
}

/** Open sockets of a process. */
function socketsOf(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      // Closed since the folder was read.
      return ''
    }
  })
  return links.filter((link) => link.startsWith('socket:')).length
}

await t.test(`${WORKERS} workers`, async (t) => {
  const redis = await startRedis(t)
  const server = await startServerProcess(t, {
    flags: ['--workers', String(WORKERS)],
    settings: {
      PUSH_REDIS_URL: redis.url,
      PUSH_MQTT_PORT: '0',
      PUSH_HTTP_PORT: '0',
      PUSH_MAX_CONNECTS_PER_TOKEN: String(CONNECTS),
    },
  })
  t.equal(server.output.filter((line) => line.startsWith('ready ')).length, 1, 'one line says ready')
  const workers = childrenOf(server.pid)
  t.equal(workers.length, WORKERS, 'as many processes as asked for')

  const tokens = await Promise.all(
    Array.from({ length: DEVICES }, (_, number) =>
      issueToken(server, { app: 'shop', device: `phone-${number}`, account: 'ann', version: '1.0.0' }),
    ),
  )
  const devices = await Promise.all(tokens.map((issued) => connectAll(t, server, issued)))
  const connections = () => metric(server, 'push_connections', 'principal="device"')
  await eventually('all connections in one sum', async () => (await connections()) === DEVICES)
  for (const [number, { tokenId }] of tokens.entries()) await send(server, { token: tokenId }, `private ${number}`)
  await send(server, { app: 'shop', versions: '*' }, 'to all')
  for (const [number, device] of devices.entries()) {
    const texts = (await device.nextN(2)).map(({ text }) => text)
    t.same(texts.toSorted(), [`private ${number}`, 'to all'], 'each device hears its own and what is for all, once')
  }
  const accepted = () => metric(server, 'push_accepted_total', 'destination="private"')
  t.equal(await accepted(), DEVICES, 'counted over all workers')

  const often = await issueToken(server, { app: 'shop', device: 'often' })
  let connected = 0
  for (let count = 0; count < 3 * CONNECTS; count++) {
    const raw = await connectRaw(t, server.mqttPort)
    if ((await raw.connect({ token: often.token })).returnCode === 0) connected++
    await raw.end()
  }
  // What two workers do at the same time neither has heard of yet.
  t.ok(connected >= CONNECTS && connected < 2 * CONNECTS, `a limit holds over all workers: ${connected} connects`)

  process.kill(workers[1] ?? 0, 'SIGSTOP')
  t.equal(await metric(server, 'push_workers_unanswered'), 1, 'one that is silent is waited for a second')
  t.equal(await accepted(), DEVICES, 'and its last numbers count')
  process.kill(workers[1] ?? 0, 'SIGCONT')

  // The system decides who takes a connection: one worker may have taken all, and another none.
  const bySockets = workers.toSorted((a, b) => socketsOf(b) - socketsOf(a))
  const victims = [bySockets[0] ?? 0, bySockets[2] ?? 0]
  for (const victim of victims) process.kill(victim, 'SIGKILL')
  await server.waitForLog(/worker exited, starting another one/)
  await eventually('other workers', () => {
    const now = childrenOf(server.pid)
    return now.length === WORKERS && !now.some((pid) => victims.includes(pid))
  })
  const cut = tokens.filter((_, number) => devices[number]?.client.connected === false)
  t.ok(cut.length > 0, `${cut.length} devices were on the workers that were killed`)
  for (const { tokenId } of cut) await send(server, { token: tokenId }, 'meanwhile')
  const back = await Promise.all(cut.map((issued) => connectAll(t, server, issued)))
  for (const device of back) t.equal((await device.next()).text, 'meanwhile', 'on any worker it goes on')

  t.ok((await accepted()) >= DEVICES, 'no counter falls')
  const last = childrenOf(server.pid)
  t.equal(await server.stop(), 0, 'SIGTERM ends all, with 0')
  t.same(
    last.filter((pid) => parentOf(pid) !== undefined),
    [],
    'no worker is left',
  )
})
