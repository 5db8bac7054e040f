// A message to an account: does it reach each device on which that account is logged in, and no other?
import { t } from '../support/tap.ts'
import { lookup, request, revoke, type Server } from '../support/index.ts'
import { ask, issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

const LIMIT = '5'

await onEachEngine(
  t,
  async (t, { one, other }) => {
    const to = (server: Server, account: string, payload: string, id?: string) =>
      request(server, 'POST', '/v1/messages', {
        body: { to: { app: 'chat', account }, payload, ...(id === undefined ? {} : { id }) },
      })
    const texts = async (token: string) => (await lookup(one, token)).messages.map(({ payload }) => payload)
    const of = (device: string, account: string, app = 'chat') => issue(one, { app, device, account })

    t.equal(told(await to(one, 'ann', 'nobody')), '404 ACCOUNT_UNKNOWN')
    const [a, b, c] = [await of('a', 'ann'), await of('b', 'ann'), await of('c', 'ann')]
    const mail = await of('a', 'ann', 'mail')
    const none = await of('n', '')
    const first = await to(other, 'ann', 'one')
    t.equal(first.status, 202)
    t.equal(first.body.accepted, 3)
    t.same(first.body.tokenIds.toSorted(), [a, b, c].map(({ tokenId }) => tokenId).toSorted())
    for (const { token } of [a, b, c]) t.same(await texts(token), ['one'])
    for (const { token } of [mail, none]) t.same(await texts(token), [], 'another app, and nobody who is logged in')
    await to(one, 'ann', 'two', 'same')
    await to(other, 'ann', 'two again', 'same')
    t.same(await texts(a.token), ['one', 'two'], 'an id is accepted once for each')

    const bob = await of('a', 'bob')
    await revoke(one, b.tokenId)
    const third = await to(other, 'ann', 'three')
    t.same(third.body.tokenIds, [c.tokenId], 'not where she is logged out')
    t.same(await texts(bob.token), [], 'and not to who is logged in there now')
    const back = await of('a', 'ann')
    t.same(await texts(back.token), ['one', 'two'], 'what was sent meanwhile is not hers any more')
    const fourth = await to(one, 'ann', 'four')
    t.same(fourth.body.tokenIds.toSorted(), [a.tokenId, c.tokenId].toSorted(), 'and she is found again')

    for (const device of ['d', 'e', 'f']) await of(device, 'ann')
    t.equal(told(await ask(other, { app: 'chat', device: 'g', account: 'ann' })), '409 ACCOUNT_FULL')
    t.equal((await ask(other, { app: 'chat', device: 'c', account: 'ann' })).status, 201, 'one of hers is always taken')
    await revoke(other, c.tokenId)
    t.equal((await ask(one, { app: 'chat', device: 'g', account: 'ann' })).status, 201, 'there is room for another one')
    t.equal(told(await to(one, '', 'x')), '400 NAME_INVALID')
    t.equal(
      told(
        await request(one, 'POST', '/v1/messages', {
          body: { to: { app: 'chat', account: 'ann', version: '1' }, payload: 1 },
        }),
      ),
      '400 REQUEST_INVALID',
    )
  },
  { settings: { PUSH_MAX_ACCOUNT_DEVICES: LIMIT } },
)
