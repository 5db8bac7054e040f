/** Webhooks of which the receiver is killed at random while the nodes are. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { startNodeProcesses } from '../../../nodes/support/nodes.ts'
import { eventually, issueToken, request, type ServerProcess, startRedis } from '../../../support/index.ts'
import { seededRandom } from '../../../support/random.ts'
import { APP, makeWebhook } from './api.ts'
import { Ledger } from './ledger.ts'
import { type Call, MAY_CALL, type Receiver, startReceiver, verify } from './receiver.ts'

export interface Sizes {
  readonly devices: number
  readonly messagesEach: number
  /** Messages between two kills of a node. */
  readonly killEvery: number
}

const NODES = 3
const DEADLINE_MS = 600_000
/** What goes wrong while a node is away is tried again, elsewhere. */
const AGAIN_MS = 50
const SETTINGS = {
  ...MAY_CALL,
  PUSH_PROVIDER_KEY: 'provider-key-of-the-tests-0123456789',
  // Nobody waits for minutes, and nothing is disabled.
  PUSH_WEBHOOK_RETRIES: Array.from({ length: 20 }, () => 1).join(','),
}

export async function deliveredUnderKills(t: Test, { devices, messagesEach, killEvery }: Sizes): Promise<void> {
  const redis = await startRedis(t)
  const nodes = await startNodeProcesses(t, redis.url, NODES, SETTINGS)
  const random = seededRandom()
  t.comment(`PUSH_TEST_SEED=${random.seed} repeats the choices of this run`)
  const first = nodes[0]!
  const ledger = new Ledger()
  const receiver = await startReceiver(t)
  const hanging = await startReceiver(t)
  hanging.answer = () => undefined
  const failing = await startReceiver(t)
  failing.answer = 500
  // Beside those that hang or fail for ever.
  const types = ['message.*']
  for (let count = 0; count < 4; count += 1) {
    await makeWebhook(first, hanging.url, { types })
    await makeWebhook(first, failing.url, { types })
  }
  const made = await makeWebhook(first, receiver.url, { types })
  receiver.answer = (response, call) => {
    const chance = random.between(0, 9)
    // Killed before it had taken it, or after that and before it said so.
    if (chance === 0) return void response.destroy()
    verify(made.secret, call)
    ledger.take(call)
    if (chance === 1) return void response.destroy()
    response.writeHead(chance === 2 ? 500 : 200).end()
  }

  const sent = new Map<string, string[]>()
  for (let at = 0; at < devices; at += 1)
    sent.set((await issueToken(first, { app: APP, device: `device ${at}` })).tokenId, [])
  let count = 0
  let kills = 0
  let killing = Promise.resolve()
  async function end(tokenId: string, id: string): Promise<void> {
    const to = { token: tokenId }
    await until(nodes, random, async (node) => {
      const body = { to, payload: 'x', id, receipt: true }
      if ((await request(node, 'POST', '/v1/messages', { body })).status !== 202) return false
      return (await request(node, 'POST', `/v1/messages/${id}/recall`, { body: { to } })).status === 200
    })
    sent.get(tokenId)?.push(id)
    count += 1
    if (count % killEvery !== 0) return
    kills += 1
    killing = killing.then(async () => {
      const node = random.pick(nodes)
      await node.kill('SIGKILL')
      await node.restart()
    })
    await killing
  }
  await Promise.all(
    [...sent.keys()].map(async (tokenId) => {
      for (let at = 0; at < messagesEach; at += 1) await end(tokenId, `m${at}`)
    }),
  )
  await killing
  await eventually('all has arrived', () => ledger.events >= devices * messagesEach, DEADLINE_MS)
  ledger.check(t, sent)
  t.comment(
    `${ledger.events} events in ${ledger.calls} calls, of which ${ledger.repeated} were repeated; ${kills} kills`,
  )
  sameBytes(t, hanging)
  sameBytes(t, failing)
}

/** Four webhooks, of which nothing was ever taken: four batches. */
function sameBytes(t: Test, { received }: Receiver): void {
  const byId = new Map<string, Set<string>>()
  for (const { id, text } of received as readonly Call[]) byId.set(id, (byId.get(id) ?? new Set()).add(text))
  t.ok(byId.size <= 4, 'one batch of each is under way')
  for (const texts of byId.values()) t.equal(texts.size, 1)
}

async function until(
  nodes: readonly ServerProcess[],
  random: ReturnType<typeof seededRandom>,
  work: (node: ServerProcess) => Promise<boolean>,
): Promise<void> {
  for (;;) {
    try {
      if (await work(random.pick(nodes))) return
    } catch {
      // It is away: another one, or this one later.
    }
    await pause(AGAIN_MS)
  }
}
