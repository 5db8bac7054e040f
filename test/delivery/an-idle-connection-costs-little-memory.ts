// How many bytes of heap does a connected device cost that does nothing? A bound that fails when a session gets heavier.
import { t } from '../support/tap.ts'
import {
  connectRaw,
  type Issued,
  issueToken,
  type Scope,
  type Server,
  type ServerProcess,
  startServerProcess,
} from '../support/index.ts'
import { COUNTING_FLAGS, workCounts } from '../support/work-counts.ts'

/** What any number needs is there after the first. */
const FIRST = 200
const MORE = 600
const LOOKS = 4
/** Each in its turn: a machine that is busy with other tests is given no burst. */
const TOGETHER = 25
/** Seen: 3,900, of which Node's socket takes 1,500, and the token that is remembered for the next time 500. A map more is above it. */
const MOST_BYTES = 4_050

/** Optimised code counts as heap too, and is made whenever there is time for it. */
const FLAGS = [...COUNTING_FLAGS, '--no-opt', '--no-sparkplug', '--no-flush-bytecode']

async function connect(t: Scope, server: Server, issued: readonly Issued[]): Promise<void> {
  for (let at = 0; at < issued.length; at += TOGETHER) {
    const some = issued.slice(at, at + TOGETHER).map(async ({ token, topics }) => {
      const device = await connectRaw(t, server.mqttPort)
      await device.connect({ token, clean: false })
      await device.subscribe([topics.private, topics.broadcast ?? ''])
    })
    await Promise.all(some)
  }
}

/** What is left after several collections: what waits for a timer goes meanwhile. */
async function heapOf(server: ServerProcess): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < LOOKS; look += 1) least = Math.min(least, (await workCounts(server, true)).heap)
  return least
}

await t.test('with a kept session, subscribed to both of its topics', async (t) => {
  const server = await startServerProcess(t, {
    settings: { PUSH_LOG_LEVEL: 'warn', PUSH_SWEEP: '3600', PUSH_SESSION_RECHECK: '3600' },
    nodeFlags: FLAGS,
  })
  const issued: Issued[] = []
  for (let at = 0; at < FIRST + MORE; at += 1)
    issued.push(await issueToken(server, { app: 'shop', device: `d${at}`, version: '1' }))
  await connect(t, server, issued.slice(0, FIRST))
  const before = await heapOf(server)
  await connect(t, server, issued.slice(FIRST))
  const bytes = ((await heapOf(server)) - before) / MORE
  t.comment(`${Math.round(bytes)} bytes a connection`)
  t.ok(bytes < MOST_BYTES, `${Math.round(bytes)} bytes a connection`)
})
