// The list of token ids: does it have each of an app or account with its state, page by page, for who may see it, and no names?
import { t } from '../support/tap.ts'
import { connectDevice, request, revoke, type Server } from '../support/index.ts'
import { issue, told } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

interface Listed {
  readonly tokenId: string
  readonly state: string
  readonly version: string | null
  readonly tags: readonly string[]
  readonly lastSeen: string
}

async function all(server: Server, query: string): Promise<Listed[]> {
  const found: Listed[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const more: string = cursor === '' ? '' : `&cursor=${cursor}`
    const { status, body, text } = await request(server, 'GET', `/v1/tokens?${query}${more}`)
    if (status !== 200) throw new Error(text)
    found.push(...body.tokens)
    cursor = body.cursor
  }
  return found
}

await onEachEngine(t, async (t, { one, other }) => {
  const ids: string[] = []
  for (let number = 0; number < 23; number += 1) {
    const { tokenId } = await issue(one, { app: 'chat', device: `phone ${number}`, account: `user ${number % 2}` })
    ids.push(tokenId)
    await issue(one, { app: 'mail', device: `phone ${number}`, account: 'user 0' })
  }
  const tagged = await issue(one, { app: 'chat', device: 'x', account: 'x', version: '2.1', tags: ['b', 'a', 'b'] })
  await revoke(one, ids[0] ?? '')
  await issue(one, { app: 'chat', device: 'phone 1', account: 'other' })

  const ofApp = await all(other, 'app=chat&limit=5')
  t.same(new Set(ofApp.map(({ tokenId }) => tokenId)).size, 25)
  t.equal(ofApp.length, 25, 'each once')
  const stateOf = (id: string) => ofApp.find(({ tokenId }) => tokenId === id)?.state
  t.equal(stateOf(ids[0] ?? ''), 'revoked')
  t.equal(stateOf(ids[1] ?? ''), 'superseded')
  t.equal(stateOf(ids[2] ?? ''), 'current')
  const known = ofApp.find(({ tokenId }) => tokenId === tagged.tokenId)
  t.match(known, { version: '2.1', tags: ['a', 'b'] })
  const ofAccount = await all(other, 'app=chat&account=user%200&limit=3')
  t.same(ofAccount.map(({ tokenId }) => tokenId).toSorted(), ids.filter((_, at) => at % 2 === 0 && at > 0).toSorted())
  t.same(await all(other, 'app=chat&account=nobody'), [])

  const before = Date.parse(known?.lastSeen ?? '')
  const device = await connectDevice(t, other, tagged)
  await device.end()
  const [seen] = await all(one, 'app=chat&account=x')
  t.ok(Date.parse(seen?.lastSeen ?? '') >= before)
  await request(one, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account: 'x' } })
  const last = (await all(other, 'app=chat')).find(({ tokenId }) => tokenId === tagged.tokenId)
  t.equal(last?.state, 'revoked', 'with all of its account')
  const raw = await request(one, 'GET', '/v1/tokens?app=chat')
  for (const name of ['phone', 'user']) t.notOk(raw.text.includes(name))
  t.equal(told(await request(one, 'GET', '/v1/tokens?app=chat&cursor=*')), '400 REQUEST_INVALID')
  t.equal(told(await request(one, 'GET', '/v1/tokens')), '400 REQUEST_INVALID')
  t.equal(told(await request(one, 'GET', '/v1/tokens?app=chat', { bearer: tagged.token })), '403 NOT_A_PROVIDER')
})
