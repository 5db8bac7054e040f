// Three messages with one key, one that is recalled, one that expires, one that is too large for the connection, and one that is
// acknowledged: do the status, the events, the metrics, MQTT and lookups tell the same of them?
import { t } from '../support/tap.ts'
import { ack, connectDevice, eventually, issueToken, lookup, metric, request, type Server } from '../support/index.ts'
import { onEachEngine } from '../tokens/support/engines.ts'

const STATES = {
  'key-1': 'replaced',
  'key-2': 'replaced',
  'key-3': 'acknowledged',
  recalled: 'recalled',
  expired: 'expired',
  large: 'pending',
  small: 'acknowledged',
} as const

type Ended = Record<string, string>

await onEachEngine(
  t,
  async (t, { one, other }) => {
    const issued = await issueToken(one, { app: 'chat', device: 'phone' })
    const to = { token: issued.tokenId }
    const send = async (id: string, more: object = {}, payload = id) => {
      const answer = await request(one, 'POST', '/v1/messages', { body: { to, payload, id, receipt: true, ...more } })
      t.equal(answer.status, 202, id)
    }
    const statesOf = async (server: Server): Promise<Ended> => {
      const states: Ended = {}
      for (const id of Object.keys(STATES)) {
        const { body } = await request(server, 'GET', `/v1/messages/${id}/status?token=${issued.tokenId}`)
        states[id] = body.state
      }
      return states
    }
    const events: { type: string; id: string; eventId: string; tokenId: string }[] = []
    const readEvents = async (server: Server): Promise<void> => {
      const { body } = await request(server, 'GET', '/v1/events?app=chat&consumer=audit')
      events.push(...body.events)
      const acknowledged = await request(server, 'POST', '/v1/events/ack', {
        body: { app: 'chat', consumer: 'audit', cursor: body.cursor },
      })
      t.equal(acknowledged.status, 204)
    }

    for (const id of ['key-1', 'key-2', 'key-3']) await send(id, { collapseKey: 'score' })
    await send('recalled')
    await send('expired', { ttl: 1 })
    await send('large', {}, 'x'.repeat(5_000))
    await send('small')
    const recall = await request(other, 'POST', '/v1/messages/recalled/recall', { body: { to } })
    t.match(recall.body.states, [{ state: 'recalled', mayHaveBeenSeen: false }])
    await eventually('the end of its time', async () => (await statesOf(other)).expired === 'expired')

    const device = await connectDevice(t, other, issued, { properties: { maximumPacketSize: 1_000 } })
    await device.subscribe(issued.topics.private)
    const arrived = [await device.next(), await device.next()].map(({ text }) => text)
    t.same(arrived, ['key-3', 'small'], 'over MQTT')
    await eventually('all have ended but one', async () => {
      const states = await statesOf(one)
      return states.small === 'acknowledged' && states['key-3'] === 'acknowledged'
    })
    t.same(await statesOf(one), STATES)
    t.same(await statesOf(other), STATES)

    await readEvents(other)
    const typesOf = () => Object.fromEntries(events.map(({ type, id }) => [id, type.replace('message.', '')]))
    const { large: _pending, ...ended } = STATES
    await eventually('the events', async () => {
      if (events.length < Object.keys(ended).length) await readEvents(one)
      return events.length >= Object.keys(ended).length
    })
    t.same(typesOf(), ended, 'one event for each that ended')

    const page = await lookup(one, issued.token)
    t.same(
      page.messages.map(({ id }) => id),
      ['large'],
      'a lookup has what was too large',
    )
    await ack(one, issued.token, page.cursor)
    t.same(await statesOf(other), { ...STATES, large: 'acknowledged' })
    await eventually('its event', async () => {
      await readEvents(one)
      return typesOf().large === 'acknowledged'
    })
    t.equal(new Set(events.map(({ eventId }) => eventId)).size, events.length, 'no event comes twice')
    t.equal(events.length, 7)
    t.same(new Set(events.map(({ tokenId }) => tokenId)), new Set([issued.tokenId]))

    const total = async (state: string) => {
      const labels = `destination="private",state="${state}"`
      const nodes = one === other ? [one] : [one, other]
      const counts = await Promise.all(nodes.map((node) => metric(node, 'push_message_ended_total', labels)))
      return counts.reduce((sum, count) => sum + count, 0)
    }
    for (const [state, count] of Object.entries({ replaced: 2, recalled: 1, acknowledged: 3, dropped: 0, purged: 0 }))
      t.equal(await total(state), count, state)
  },
  { settings: { PUSH_LATE_ACK: '0', PUSH_SWEEP: '1' } },
)
