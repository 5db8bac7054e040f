// Does a consumer hear that tokens were issued, renewed, switched and revoked, and does nobody's call fail for that?
import { t } from '../support/tap.ts'
import { PushError } from '../../errors.ts'
import type { EventAppend } from '../../store/contract.ts'
import { issueToken, request } from '../support/index.ts'
import { drain, eachEngine, look } from './support/events.ts'
import { APP } from './support/node.ts'

await eachEngine(t, async (t, start) => {
  const appended: EventAppend[] = []
  let isBroken = false
  const api = await start({
    around: (store) => ({
      async appendEvents(events) {
        appended.push(...events)
        if (isBroken) throw new PushError('STORE_UNAVAILABLE')
        return await store.appendEvents(events)
      },
    }),
  })
  const heard = async () => {
    const { events } = await drain(api, { types: 'token.*' })
    t.ok(events.every(({ id, eventId, app }) => id === eventId && app === APP))
    return events.map(({ type, tokenId, switchedFrom }) => ({
      type,
      ...(tokenId === undefined ? {} : { tokenId }),
      ...(switchedFrom === undefined ? {} : { switchedFrom }),
    }))
  }
  const issue = (device: string, account?: string) =>
    issueToken(api, { app: APP, device, ...(account === undefined ? {} : { account }) })

  await t.test('nobody reads', async (t) => {
    await issue('phone', 'before')
    t.same(await heard(), [])
  })

  await t.test('one token', async (t) => {
    const ann = await issue('phone', 'ann')
    t.same(
      (await heard()).map(({ type }) => type),
      ['token.issued', 'token.switched'],
    )
    const renewed = await request(api, 'POST', '/v1/tokens', { bearer: ann.token, body: { app: APP, device: 'phone' } })
    t.equal(renewed.status, 201)
    const bob = await issue('phone', 'bob')
    const { tokenId } = bob
    t.same(
      await heard(),
      [
        { type: 'token.renewed', tokenId: ann.tokenId },
        { type: 'token.issued', tokenId },
        { type: 'token.switched', tokenId, switchedFrom: ann.tokenId },
      ].sort((a, b) => order(a) - order(b)),
    )
    await request(api, 'DELETE', '/v1/tokens/current', { bearer: bob.token })
    t.same(await heard(), [{ type: 'token.revoked', tokenId }])
    await issue('phone', 'bob')
    await request(api, 'DELETE', `/v1/tokens/${tokenId}`)
    t.same(await heard(), [
      { type: 'token.issued', tokenId },
      { type: 'token.revoked', tokenId },
    ])
    function order(event: { tokenId: string }): number {
      return api.store.upstreamParts === 1 || event.tokenId === ann.tokenId ? 0 : 1
    }
  })

  await t.test('all of an account, and of an app', async (t) => {
    const ids = []
    for (const device of ['one', 'two', 'three']) ids.push((await issue(device, 'zoe')).tokenId)
    await issue('four', 'yan')
    await heard()
    const revoke = (body: object) => request(api, 'POST', '/v1/tokens/revoke', { body })
    t.equal((await revoke({ app: APP, account: 'zoe' })).status, 204)
    const events = await heard()
    t.ok(events.every(({ type }) => type === 'token.revoked'))
    t.same(events.map(({ tokenId }) => tokenId).sort(), [...ids].sort())
    t.equal((await revoke({ app: APP })).status, 204)
    t.same(await heard(), [{ type: 'token.revoked' }])
  })

  await t.test('no name of an account or device is in what is stored', (t) => {
    const stored = appended.map(({ message }) => Buffer.from(message.payload).toString()).join()
    t.ok(appended.length > 10)
    for (const name of ['ann', 'bob', 'zoe', 'phone', 'account', 'device']) t.notMatch(stored, name)
    t.end()
  })

  await t.test('a log that takes nothing', async (t) => {
    isBroken = true
    const { tokenId } = await issue('another', 'ann')
    t.equal((await request(api, 'DELETE', `/v1/tokens/${tokenId}`)).status, 204)
    t.equal(api.logs.filter((line) => line.includes('could not store token events')).length, 2)
    isBroken = false
    t.match(await look(api), { events: [] })
  })
})
