// Does a request for events that waits end with an event of any node, its time, its key, its client or the server?
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { t } from '../support/tap.ts'
import type { Limits } from '../../common/limits.ts'
import type { Store, Watcher } from '../../store/contract.ts'
import { eventually, issueToken, request, revoke, within } from '../support/index.ts'
import { ask, eachEngine, overRedis, receipt, type StartServing } from './support/events.ts'
import { APP } from './support/node.ts'

/** A node whose requests for events wait without a look at the store, where `limits` do not say otherwise. */
async function startWaiting(start: StartServing, limits: Partial<Limits> = {}, around: Partial<Store> = {}) {
  let opened = 0
  const api = await start({
    limits: { longPollRecheckMs: 3_600_000, ...limits },
    around: (store) => ({
      async openReader(open) {
        const parts = await store.openReader(open)
        opened += 1
        return parts
      },
      ...around,
    }),
  })
  /** Of a consumer that is new, whose reader is opened just before it waits. */
  async function wait(query: object = {}, caller: object = {}) {
    const before = opened
    const answer = ask(api, { consumer: randomUUID(), wait: 60, ...query }, caller)
    answer.catch(() => undefined)
    await eventually('it waits', () => opened > before)
    return { answer }
  }
  return { api, wait }
}

const NOTHING = { status: 200, body: { events: [], missed: 0, more: false } }

await eachEngine(t, async (t, start) => {
  const { api, wait } = await startWaiting(start, { waiting: 3, waitingPerToken: 2, waitSeconds: 50 })
  const phone = await issueToken(api, { app: APP, device: 'phone' })

  await t.test('an event', async (t) => {
    const { answer } = await wait()
    await receipt(api.store, phone, 'there')
    t.match(await within('the answer', answer), { status: 200, body: { events: [{ id: 'there' }], more: false } })
  })

  await t.test('an event of its types only', async (t) => {
    const { answer } = await wait({ from: 'latest', types: 'token.revoked' })
    await receipt(api.store, phone, 'of another type')
    await revoke(api, phone.tokenId)
    const { body } = await within('the answer', answer)
    t.match(body.events, [{ type: 'token.revoked', tokenId: phone.tokenId }])
    t.equal(body.events.length, 1)
    await issueToken(api, { app: APP, device: 'phone' })
  })

  await t.test('its time', async (t) => {
    const { answer } = await wait({ from: 'latest', wait: 1 })
    t.match(await within('the answer', answer), NOTHING)
  })

  await t.test('its key', async (t) => {
    const make = async (name: string) =>
      (await request(api, 'POST', '/v1/keys', { body: { name, apps: [APP], scopes: ['events:read'] } })).body
    const [removed, less] = [await make('removed'), await make('less')]
    const ofRemoved = await wait({ from: 'latest' }, { bearer: removed.key })
    const ofLess = await wait({ from: 'latest' }, { bearer: less.key })
    await request(api, 'DELETE', `/v1/keys/${removed.id}`)
    await request(api, 'PATCH', `/v1/keys/${less.id}`, { body: { scopes: ['messages:send'] } })
    t.match(await within('the answer', ofRemoved.answer), { status: 401, body: { code: 'CREDENTIALS_INVALID' } })
    t.match(await within('the answer', ofLess.answer), { status: 403, body: { code: 'SCOPE_MISSING' } })
  })

  await t.test('those that come after it', async (t) => {
    const consumer = 'crowd'
    const leave = new AbortController()
    const { answer: oldest } = await wait({ from: 'latest', consumer })
    const others = [1, 2].map(() => ask(api, { consumer, wait: 60 }, { signal: leave.signal }))
    t.match(await within('room for the third', oldest), NOTHING)
    const { answer: last } = await wait({ from: 'latest' }, { signal: leave.signal })
    t.match(await ask(api, { wait: 60, from: 'latest' }), { status: 429, body: { code: 'RATE_LIMITED' } })
    t.equal((await ask(api, { consumer: 'does not wait' })).status, 200)
    leave.abort()
    for (const each of [...others, last]) await t.rejects(each)
    const { answer } = await wait({ from: 'latest', consumer: 'there is room again' })
    await receipt(api.store, phone, 'another one')
    t.match(await within('the answer', answer), { body: { events: [{ id: 'another one' }] } })
  })

  await t.test('the server', async (t) => {
    const { answer } = await wait({ from: 'latest' })
    const closed = api.app.close()
    t.match(await within('the answer', answer), NOTHING)
    await within('the end', closed)
  })
})

await t.test('between two nodes', async (t) => {
  const start = await overRedis(t as Test)
  const [a, b] = [await startWaiting(start), await start()]
  const phone = await issueToken(b, { app: APP, device: 'phone' })

  await t.test('an event of the other one', async (t) => {
    const { answer } = await a.wait()
    await receipt(b.store, phone, 'there')
    t.match(await within('the answer', answer), { body: { events: [{ id: 'there' }] } })
  })

  await t.test('a wake that is lost', async (t) => {
    const deaf: Partial<Store> = {
      watch: (watcher: Watcher) => a.api.store.watch({ ...watcher, upstreamAppended: () => {}, resync: () => {} }),
    }
    const { wait } = await startWaiting(start, { longPollRecheckMs: 100 }, deaf)
    const { answer } = await wait({ from: 'latest' })
    await receipt(b.store, phone, 'found')
    t.match(await within('the answer', answer), { body: { events: [{ id: 'found' }] } })
  })
})
