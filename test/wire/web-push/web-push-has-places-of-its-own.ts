// Can whoever has an endpoint push out what others sent, or send as fast as it likes?
import webPush from 'web-push'
import { ack, lookup, request, send, type Server } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { onEachEngine } from '../../tokens/support/engines.ts'
import { at, BODY, PLAIN, type Subscribed, subscribe, through, vapidOf } from './support/push.ts'

const ORIGIN = 'https://push.example.com'
const settings = {
  PUSH_PUBLIC_URL: ORIGIN,
  PUSH_MAX_WEB_PUSH: '3',
  PUSH_MAX_WEB_PUSH_REQUESTS: '12',
  PUSH_MAX_PENDING_MESSAGES: '4',
}

const post = (server: Server, { endpoint }: Subscribed, headers: Record<string, string> = {}) =>
  at(through(endpoint, server), { headers: { ...PLAIN, ...headers }, body: BODY })

await onEachEngine(
  t,
  async (t, { one, other }) => {
    await t.test('places', async (t) => {
      const issued = await subscribe(one, { device: 'places' })
      for (const text of ['1', '2', '3', '4']) await send(other, { token: issued.tokenId }, text)
      for (const server of [one, other, one]) t.equal((await post(server, issued)).status, 201)
      const full = await post(other, issued)
      t.match(full, { status: 429, code: 'WEB_PUSH_FULL', headers: { 'retry-after': '60' } })
      t.equal((await post(one, issued, { ttl: '0' })).status, 201, 'now or never needs no place')
      const { messages, cursor } = await lookup(other, issued.token)
      t.same(
        messages.map(({ payload }) => payload),
        ['1', '2', '3', '4', 'as it is', 'as it is', 'as it is'],
      )
      await ack(other, issued.token, cursor)
      t.equal((await post(other, issued)).status, 201)
    })

    await t.test('a log that is full of messages of a provider', async (t) => {
      const issued = await subscribe(one, { device: 'full' })
      await post(one, issued)
      for (const text of ['1', '2', '3', '4']) await send(other, { token: issued.tokenId }, text)
      await post(one, issued)
      const pending = async () => (await lookup(other, issued.token)).messages.map(({ payload }) => payload)
      t.same(await pending(), ['as it is', '1', '2', '3', '4', 'as it is'])
      await send(other, { token: issued.tokenId }, '5')
      t.same(await pending(), ['2', '3', '4', 'as it is', '5'], 'the oldest goes, and what is older still')
    })

    await t.test('topics are those of one application server', async (t) => {
      const keys = [webPush.generateVAPIDKeys(), webPush.generateVAPIDKeys()]
      const topic = 'score'
      for (const pair of keys) {
        const issued = await subscribe(one, { device: 'topics', vapidKey: pair.publicKey })
        const authorization = vapidOf(ORIGIN, pair)
        for (const server of [one, other]) t.equal((await post(server, issued, { topic, authorization })).status, 201)
      }
      const issued = await subscribe(other, { device: 'topics' })
      for (const server of [one, other]) t.equal((await post(server, issued, { topic })).status, 201)
      const body = { to: { token: issued.tokenId }, payload: 'of a provider', collapseKey: topic }
      t.equal((await request(one, 'POST', '/v1/messages', { body })).status, 202)
      const { messages } = await lookup(one, issued.token)
      t.equal(messages.length, 4, 'one of each, though all have the same topic')
      t.equal((await post(other, issued)).status, 429)
      t.equal((await post(other, issued, { topic })).status, 201, 'what replaces another one needs no place')
    })

    await t.test('a rate', async (t) => {
      const issued = await subscribe(one, { device: 'rate' })
      const statuses = new Set<number>()
      for (let at = 0; at < 12; at++) statuses.add((await post(one, issued, { ttl: '0' })).status)
      t.same([...statuses], [201])
      const refused = await post(one, issued, { ttl: '0' })
      t.match(refused, { status: 429, code: 'RATE_LIMITED', headers: { 'retry-after': '60' } })
      t.equal((await post(one, await subscribe(one, { device: 'rate too' }), { ttl: '0' })).status, 201)
    })
  },
  { settings },
)
