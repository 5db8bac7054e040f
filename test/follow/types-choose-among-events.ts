// Does a consumer get the events of the types that it names, passing the others, however many, and however busy a device is?
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, revoke } from '../support/index.ts'
import { acknowledge, drain, eachEngine, look, overRedis, receipt } from './support/events.ts'
import { APP, startNode } from './support/node.ts'

await eachEngine(t, async (t, start) => {
  const api = await start({ limits: { lookupScan: 50 } })
  const node = await startNode(t, api.auth, api.store)
  for (const consumer of ['all', 'some', 'groups', 'devices', 'both']) {
    const types = {
      all: {},
      some: {},
      groups: {},
      devices: { types: 'upstream' },
      both: { types: 'upstream,message.*' },
    }
    await look(api, { consumer, ...types[consumer as keyof typeof types] })
  }
  const phone = await issueToken(api, { app: APP, device: 'phone' })
  await receipt(api.store, phone, 'acknowledged')
  const device = await connectDevice(t, node, phone)
  await device.publish(`${APP}/u/${phone.tokenId}/where`, 'here')
  await device.publish(`${APP}/u/${phone.tokenId}/bytes`, Buffer.from([0xff, 0x00]))
  await device.end()
  await revoke(api, phone.tokenId)
  const typesOf = async (consumer: string, types?: string) =>
    (await drain(api, { consumer, ...(types === undefined ? {} : { types }) })).events.map(({ type }) => type)

  t.same(await typesOf('all'), ['token.issued', 'message.acknowledged', 'token.revoked'], 'without upstream')
  t.same(await typesOf('some', 'token.revoked,message.expired'), ['token.revoked'])
  t.same(await typesOf('some'), [], 'what was left out is passed')
  t.same(await typesOf('groups', 'message.*,token.issued'), ['token.issued', 'message.acknowledged'])
  const { events } = await drain(api, { consumer: 'devices', types: 'upstream' })
  t.match(events, [
    { type: 'upstream', tokenId: phone.tokenId, app: APP, topic: `${APP}/u/${phone.tokenId}/where`, payload: 'here' },
    { type: 'upstream', topic: `${APP}/u/${phone.tokenId}/bytes`, payloadBase64: '/wA=' },
  ])
  t.ok(events.every(({ id, eventId }) => id === eventId))
  t.equal(new Set(events.map(({ eventId }) => eventId)).size, 2)
  t.same(
    (await typesOf('both', 'message.*,upstream')).sort(),
    ['message.acknowledged', 'upstream', 'upstream'],
    'of two logs',
  )

  await t.test('few among many', async (t) => {
    const busy = await issueToken(api, { app: APP, device: 'busy' })
    for (let number = 0; number < 200; number += 1) await receipt(api.store, busy, `${number}`)
    await revoke(api, busy.tokenId)
    const { pages, events } = await drain(api, { consumer: 'some', types: 'token.revoked' })
    t.same(
      events.map(({ tokenId }) => tokenId),
      [busy.tokenId],
    )
    t.ok(pages.length > 1, 'a request goes through no more than its share')
    t.same(pages[0], { ...pages[0], events: [], more: true })
  })
})

await t.test('a busy device keeps no other one waiting', async (t) => {
  const api = await (await overRedis(t))()
  const devices = await Promise.all(
    Array.from({ length: 40 }, (_, at) => issueToken(api, { app: APP, device: `phone ${at}` })),
  )
  const busy = devices[0]!
  const part = api.store.upstreamPart(busy.tokenId)
  const others = devices.filter(({ tokenId }) => api.store.upstreamPart(tokenId) !== part)
  for (let number = 0; number < 300; number += 1) await receipt(api.store, busy, `busy ${number}`)
  for (const each of others) await receipt(api.store, each, 'one')
  const first = await look(api, { limit: 50 })
  t.equal(first.events.length, 50)
  t.equal(first.events.filter(({ id }) => id === 'one').length, others.length, 'each has its share')
  await acknowledge(api, first.cursor)
  const rest = await drain(api, { limit: 50 })
  const ofBusy = [...first.events, ...rest.events].filter(({ tokenId }) => tokenId === busy.tokenId)
  t.same(
    ofBusy.map(({ id }) => id),
    Array.from({ length: 300 }, (_, number) => `busy ${number}`),
  )

  await t.test('fewer events than devices: each has its turn', async (t) => {
    const partsOf = (tokenIds: readonly string[]) => new Set(tokenIds.map((tokenId) => api.store.upstreamPart(tokenId)))
    for (const each of others) for (let more = 0; more < 30; more += 1) await receipt(api.store, each, `again ${more}`)
    const all = partsOf(others.map(({ tokenId }) => tokenId)).size
    const seen: string[] = []
    let pages = 0
    for (; partsOf(seen).size < all; pages += 1) {
      const page = await look(api, { limit: 10 })
      seen.push(...page.events.map(({ tokenId = '' }) => tokenId))
      await acknowledge(api, page.cursor)
    }
    t.ok(pages < all, `${all} parts within ${pages} pages`)
  })
})
