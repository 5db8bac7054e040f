// When one token connects to two nodes again and again, crossing: is there one session within a second, and nothing lost?
import { EventEmitter, once } from 'node:events'
import { t } from '../../support/tap.ts'
import { connectDevice, type Device, type Issued, issueToken, send, type Server, within } from '../../support/index.ts'
import { seededRandom } from '../../support/random.ts'
import { KEPT, twoNodes } from '../../nodes/support/nodes.ts'

const TAKEOVERS = 1_000
/** The promise: not longer than this. */
const MOST_OVERLAP_MS = 1_000

/** The connections of one token, as the device sees them. */
class Connections extends EventEmitter {
  readonly live = new Set<Device>()
  readonly texts: string[] = []
  readonly reasons = new Map<number | undefined, number>()
  made = 0
  longestOverlap = 0
  #overlapSince: number | undefined

  async open(t: { teardown(clean: () => unknown): void }, node: Server, issued: Issued): Promise<void> {
    const device = await connectDevice(t, node, issued, KEPT)
    this.made += 1
    this.live.add(device)
    this.#look()
    void this.#read(device)
    void device.closed.then(() => {
      this.live.delete(device)
      const reason = device.disconnectPacket?.reasonCode
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
      this.#look()
    })
    if (!device.connack.sessionPresent) await device.subscribe(issued.topics.private)
  }

  /** Until one is left. */
  async settled(): Promise<void> {
    while (this.live.size > 1) await within('the end of the older session', once(this, 'change'))
  }

  async #read(device: Device): Promise<void> {
    try {
      for (;;) {
        this.texts.push((await device.queue.next(2 ** 31 - 1)).text)
        this.emit('message')
      }
    } catch {
      // Closed: what had arrived was read.
    }
  }

  #look(): void {
    const now = performance.now()
    if (this.live.size > 1) this.#overlapSince ??= now
    else if (this.#overlapSince !== undefined) {
      this.longestOverlap = Math.max(this.longestOverlap, now - this.#overlapSince)
      this.#overlapSince = undefined
    }
    this.emit('change')
  }
}

await t.test(`${TAKEOVERS} takeovers`, async (t) => {
  const random = seededRandom()
  t.comment(`PUSH_TEST_SEED=${random.seed} repeats the choices of this run`)
  const { a, b } = await twoNodes(t, { PUSH_MAX_CONNECTS_PER_TOKEN: '0' })
  const nodes = [a, b]
  const issued = await issueToken(a, { app: 'shop', device: 'phone', account: 'ann', version: '1.0.0' })
  const connections = new Connections()
  await connections.open(t, a, issued)

  let over = false
  const sent: string[] = []
  const publishing = (async () => {
    while (!over) {
      const text = `m-${sent.length}`
      await send(random.pick(nodes), { token: issued.tokenId }, text)
      sent.push(text)
    }
  })()

  let survivors = 0
  let rounds = 0
  for (let at = 0; connections.made <= TAKEOVERS; at += 1) {
    // One after the other, or both at once, or several at once.
    const targets = random.chance(0.5) ? [nodes[at % 2]] : random.chance(0.5) ? [a, b] : [b, a, b]
    const opening = targets.map((node) => connections.open(t, node!, issued).catch(() => undefined))
    await Promise.all(opening)
    await connections.settled()
    rounds += 1
    survivors += connections.live.size
  }
  over = true
  await publishing
  await send(a, { token: issued.tokenId }, 'the last')
  while (!connections.texts.includes('the last')) {
    await within('the last message', once(connections, 'message'))
  }

  const arrived = new Set(connections.texts)
  const duplicates = connections.texts.length - arrived.size
  t.comment(`${connections.made - 1} takeovers, longest overlap ${connections.longestOverlap.toFixed(0)} ms`)
  t.comment(
    `${sent.length} accepted, ${duplicates} duplicates, ends by reason ${JSON.stringify([...connections.reasons])}`,
  )
  t.equal(survivors, rounds, 'each time one session is left')
  t.same(
    sent.filter((text) => !arrived.has(text)),
    [],
    'nothing is lost',
  )
  t.ok(connections.longestOverlap < MOST_OVERLAP_MS, 'never two live sessions for longer than a second')
  t.equal(connections.reasons.get(0x8e), connections.made - 1, 'each of the others was told that it was taken over')
})
