/** Events over HTTP, on a store of the test; over Redis, each node that is started is another one on the same data. */
import { join } from 'node:path'
import type { Test } from 'tap'
import { DEFAULT_LIMITS, type Limits } from '../../../common/limits.ts'
import { openLevelStore, type Store } from '../../../store/index.ts'
import { makeMessage } from '../../../store/message.ts'
import { openRedisStore } from '../../../store/redis/index.ts'
import { serve, type Served, type ServeOptions } from '../../bridge/support/serve.ts'
import { request, startRedis, temporaryFolder, UnexpectedAnswer } from '../../support/index.ts'
import { APP } from './node.ts'

export interface Event {
  readonly type: string
  readonly id: string
  readonly tokenId?: string
  readonly app: string
  readonly at: string
  readonly eventId: string
  readonly [more: string]: unknown
}

export interface Events {
  readonly events: readonly Event[]
  readonly cursor: string
  readonly missed: number
  readonly more: boolean
}

export interface Query {
  readonly app?: string
  readonly consumer?: string
  readonly types?: string
  readonly from?: 'earliest' | 'latest'
  readonly wait?: number
  readonly limit?: number
}

interface Caller {
  readonly bearer?: string
  readonly signal?: AbortSignal
}

type Target = Parameters<typeof request>[0]

/** `limits` are those of the store too. */
export type StartServing = (options?: ServeOptions & { readonly storeLimits?: Partial<Limits> }) => Promise<Served>

export async function eachEngine(t: Test, run: (t: Test, start: StartServing) => Promise<void>): Promise<void> {
  await t.test('embedded', (t) =>
    run(t, ({ storeLimits: limits = {}, ...options } = {}) => {
      const directory = join(temporaryFolder(t, 'events'), 'store')
      return serve(t, { engine: (now) => openLevelStore({ directory, limits, now }), ...options })
    }),
  )
  await t.test('redis', async (t) => run(t, await overRedis(t)))
}

export async function overRedis(t: Test): Promise<StartServing> {
  const { url } = await startRedis(t, { config: { appendonly: 'no' } })
  return ({ storeLimits: limits = {}, ...options } = {}) =>
    serve(t, { engine: (now) => openRedisStore({ url, limits, now }), ...options })
}

export function ask(target: Target, query: Query = {}, caller: Caller = {}) {
  const all = { app: APP, consumer: 'billing', ...query }
  const search = new URLSearchParams(
    Object.entries(all).map(([name, value]): [string, string] => [name, String(value)]),
  )
  return request(target, 'GET', `/v1/events?${search.toString()}`, caller)
}

/** Whatever is there; nothing is acknowledged. */
export async function look(target: Target, query: Query = {}, caller: Caller = {}): Promise<Events> {
  const answer = await ask(target, query, caller)
  if (answer.status !== 200) throw new UnexpectedAnswer('GET /v1/events', answer)
  return answer.body
}

export function acknowledge(target: Target, cursor: string, query: Query = {}, caller: Caller = {}) {
  const { app = APP, consumer = 'billing' } = query
  return request(target, 'POST', '/v1/events/ack', { body: { app, consumer, cursor }, ...caller })
}

/** All that is there, page by page, each acknowledged; by turns from and to these nodes. */
export async function drain(targets: Target | readonly Target[], query: Query = {}, caller: Caller = {}) {
  const all = Array.isArray(targets) ? (targets as readonly Target[]) : [targets as Target]
  const events: Event[] = []
  const pages: Events[] = []
  for (let turn = 0; ; turn += 1) {
    const page = await look(all[turn % all.length]!, query, caller)
    const acknowledged = await acknowledge(all[(turn + 1) % all.length]!, page.cursor, query, caller)
    if (acknowledged.status !== 204) throw new UnexpectedAnswer('POST /v1/events/ack', acknowledged)
    events.push(...page.events)
    pages.push(page)
    if (!page.more) return { events, pages, missed: pages.reduce((sum, { missed }) => sum + missed, 0) }
  }
}

/** A message whose receipt is there when it resolves: acknowledged, without a connection. Its id is its text. */
export async function receipt(store: Store, { tokenId }: { tokenId: string }, id: string): Promise<void> {
  const draft = { payload: Buffer.from(id), retain: false, id, receipt: true }
  const { offset } = await store.append({
    tokenId,
    message: makeMessage(draft, DEFAULT_LIMITS, Date.now()),
    dedupe: true,
  })
  await store.commit([{ tokenId, private: offset }])
}

/** How many of each. */
export function countOf(items: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1
  return counts
}
