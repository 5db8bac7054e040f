/** Receipts of messages to MQTT 3.1.1 devices, read over HTTP, while nodes are killed and started again. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { startNodeProcesses } from '../../nodes/support/nodes.ts'
import {
  connectDevice,
  type Device,
  type Issued,
  issueToken,
  request,
  type ServerProcess,
  startRedis,
} from '../../support/index.ts'
import { seededRandom } from '../../support/random.ts'
import { acknowledge, drain, type Event, look } from './events.ts'
import { APP } from './node.ts'

export interface Sizes {
  readonly devices: number
  readonly messagesEach: number
  /** Messages between two kills. */
  readonly killEvery: number
}

const NODES = 3
const SENDERS = 4
const SETTINGS = { PUSH_PROVIDER_KEY: 'provider-key-of-the-tests-0123456789', PUSH_MAX_PENDING_MESSAGES: '30000' }
/** What goes wrong while a node is away is tried again, elsewhere. */
const AGAIN_MS = 50

class Nodes {
  readonly all: readonly ServerProcess[]
  readonly #random = seededRandom()
  #killing = Promise.resolve()
  kills = 0

  constructor(all: readonly ServerProcess[]) {
    this.all = all
  }

  get seed(): number {
    return this.#random.seed
  }

  get any(): ServerProcess {
    return this.#random.pick(this.all)
  }

  /** At any node, until one does it. */
  async until<T>(work: (node: ServerProcess) => Promise<T | undefined>): Promise<T> {
    for (;;) {
      try {
        const result = await work(this.any)
        if (result !== undefined) return result
      } catch {
        // It is away: another one, or this one later.
      }
      await pause(AGAIN_MS)
    }
  }

  /** One after the other; resolves when it is back. */
  killOne(): Promise<void> {
    this.#killing = this.#killing.then(async () => {
      const node = this.any
      this.kills += 1
      await node.kill('SIGKILL')
      await node.restart()
    })
    return this.#killing
  }
}

/** Stays connected, at whichever node, until it is told that it is over. */
class Phone {
  isOver = false
  #device: Device | undefined
  readonly #nodes: Nodes
  readonly #issued: Issued

  constructor(nodes: Nodes, issued: Issued) {
    this.#nodes = nodes
    this.#issued = issued
  }

  async run(t: Test): Promise<void> {
    while (!this.isOver) {
      const options = { protocolVersion: 4, clean: false, subscribe: true } as const
      this.#device = await this.#nodes.until((node) => connectDevice(t, node, this.#issued, options))
      await this.#device.closed
    }
  }

  async stop(): Promise<void> {
    this.isOver = true
    await this.#device?.end()
  }
}

/** A consumer that reads while all of it happens. */
class Reader {
  readonly events: Event[] = []
  readonly distinct = new Set<string>()
  missed = 0
  readonly #nodes: Nodes

  constructor(nodes: Nodes) {
    this.#nodes = nodes
  }

  async readUntil(count: number): Promise<void> {
    const query = { consumer: 'reads all the time', types: 'message.*', wait: 5, limit: 1_000 }
    while (this.distinct.size < count) {
      const page = await this.#nodes.until((node) => look(node, query))
      this.missed += page.missed
      this.events.push(...page.events)
      for (const { eventId } of page.events) this.distinct.add(eventId)
      // One that is lost costs a repetition.
      await acknowledge(this.#nodes.any, page.cursor, query).catch(() => undefined)
    }
  }
}

export async function receiptsUnderKills(t: Test, { devices, messagesEach, killEvery }: Sizes): Promise<void> {
  const redis = await startRedis(t)
  const nodes = new Nodes(await startNodeProcesses(t, redis.url, NODES, SETTINGS))
  t.comment(`PUSH_TEST_SEED=${nodes.seed} repeats the choices of this run`)
  const issued: Issued[] = []
  for (let number = 0; number < devices; number += 1)
    issued.push(await issueToken(nodes.any, { app: APP, device: `phone ${number}` }))
  const tokens = issued.map(({ tokenId }) => tokenId)
  await look(nodes.any, { consumer: 'reads at the end' })
  const phones = issued.map((each) => new Phone(nodes, each))
  const running = phones.map((phone) => phone.run(t))
  const reader = new Reader(nodes)
  const reading = reader.readUntil(devices * messagesEach)

  let next = 0
  async function send(): Promise<void> {
    while (next < messagesEach) {
      const id = `m ${next++}`
      const body = { to: { tokens }, payload: 'x', id, receipt: true }
      await nodes.until(async (node) => {
        const { status, body: answer } = await request(node, 'POST', '/v1/messages', { body })
        return status === 202 && answer.accepted === devices ? true : undefined
      })
      if (Number(id.slice(2)) % killEvery === killEvery - 1) await nodes.killOne()
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: SENDERS }, send))
  await reading
  const seconds = (performance.now() - startedAt) / 1000
  await Promise.all(phones.map((phone) => phone.stop()))
  await Promise.all(running)

  const late = await drain(nodes.any, { consumer: 'reads at the end', types: 'message.*', limit: 1_000 })
  const repeated = reader.events.length - reader.distinct.size
  t.comment(`${devices * messagesEach} receipts, ${nodes.kills} kills, ${repeated} came again, ${seconds.toFixed(0)} s`)
  for (const { events, missed } of [reader, late]) check(t, events, missed, { tokens, messagesEach })
}

function check(
  t: Test,
  events: readonly Event[],
  missed: number,
  sent: { readonly tokens: readonly string[]; readonly messagesEach: number },
): void {
  const byMessage = new Map<string, Set<string>>()
  for (const { tokenId = '', id, eventId } of events) {
    const key = `${tokenId} ${id}`
    byMessage.set(key, (byMessage.get(key) ?? new Set()).add(eventId))
  }
  const wanted = sent.tokens.flatMap((token) =>
    Array.from({ length: sent.messagesEach }, (_, at) => `${token} m ${at}`),
  )
  t.same(
    wanted.filter((key) => !byMessage.has(key)),
    [],
    'each has its receipt',
  )
  t.same(
    [...byMessage].filter(([, ids]) => ids.size !== 1),
    [],
    'and exactly one',
  )
  t.equal(byMessage.size, wanted.length)
  t.equal(new Set(events.map(({ eventId }) => eventId)).size, wanted.length)
  t.same(
    events.filter(({ type }) => type !== 'message.acknowledged'),
    [],
  )
  t.equal(missed, 0)
}
