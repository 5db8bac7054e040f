// Does a lookup that waits sleep through broadcasts for other tags, and get none that was stored after its tag was taken back?
import { t } from '../support/tap.ts'
import type { LogSlice, BroadcastEntry, Store } from '../../store/contract.ts'
import { lookup, send } from '../support/api.ts'
import type { Scope } from '../support/scope.ts'
import { eventually, within } from '../support/waiting.ts'
import { broadcast, issueTagged } from '../isolation/support/tagged.ts'
import { serve } from './support/serve.ts'

/** What a test does between a read of the broadcast log and its answer. */
type Between = (slice: LogSlice<BroadcastEntry>) => Promise<void>

async function watched(t: Scope) {
  const seen = { reads: 0, lookups: 0, between: undefined as Between | undefined }
  const around = (store: Store): Partial<Store> => ({
    readPrivate(...request) {
      seen.reads++
      return store.readPrivate(...request)
    },
    async readBroadcast(...request) {
      const { between } = seen
      seen.between = undefined
      if (between !== undefined) await between(await store.readBroadcast(...request))
      return await store.readBroadcast(...request)
    },
    lookupToken(tokenId) {
      seen.lookups++
      return store.lookupToken(tokenId)
    },
  })
  return { server: await serve(t, { around, limits: { longPollRecheckMs: 3_600_000 } }), seen }
}

await t.test('what is for others wakes nobody', async (t) => {
  const { server, seen } = await watched(t)
  const [plain, beta] = [await issueTagged(server, 'plain', []), await issueTagged(server, 'beta', ['beta'])]
  const forPlain = lookup(server, plain.token, { wait: 60 })
  const forBeta = lookup(server, beta.token, { wait: 60 })
  await eventually('both wait', () => seen.reads === 2)
  for (let sent = 0; sent < 20; sent++) await broadcast(server, 'for neither', { any: ['x'] })
  await broadcast(server, 'for beta', { any: ['beta'] })
  t.match(await within('for beta', forBeta), { messages: [{ payload: 'for beta' }] })
  await broadcast(server, 'for plain', { none: ['beta'] })
  const { messages, more } = await within('for plain', forPlain)
  t.same([messages.map(({ payload }) => payload), more], [['for plain'], false])
  t.equal(seen.reads, 4, 'each has looked when it came, and when something came')
})

await t.test('a poll whose tag was taken back is woken once, and waits on', async (t) => {
  const { server, seen } = await watched(t)
  const issued = await issueTagged(server, 'phone', ['beta'])
  const waiting = lookup(server, issued.token, { wait: 60 })
  await eventually('it waits', () => seen.reads === 1)
  await issueTagged(server, 'phone', [])
  await broadcast(server, 'one', { any: ['beta'] })
  await eventually('it has looked again', () => seen.reads === 2)
  for (let sent = 0; sent < 20; sent++) await broadcast(server, 'another', { any: ['beta'] })
  await send(server, { token: issued.tokenId }, 'private')
  const { messages } = await within('the answer', waiting)
  t.same(
    messages.map(({ payload }) => payload),
    ['private'],
  )
  t.equal(seen.reads, 3)
})

await t.test('a tag that is given to a poll that waits counts from its next look', async (t) => {
  const { server, seen } = await watched(t)
  const issued = await issueTagged(server, 'phone', [])
  const waiting = lookup(server, issued.token, { wait: 60 })
  await eventually('it waits', () => seen.reads === 1)
  await broadcast(server, 'for beta', { any: ['beta'] })
  await issueTagged(server, 'phone', ['beta'])
  await broadcast(server, 'for all')
  const { messages } = await within('the answer', waiting)
  t.same(
    messages.map(({ payload }) => payload),
    ['for beta', 'for all'],
    'nothing of it was acknowledged',
  )
})

await t.test('taken back and then sent, while a lookup is under way', async (t) => {
  const { server, seen } = await watched(t)
  for (const wait of [0, 60]) {
    const issued = await issueTagged(server, `phone ${wait}`, ['beta'])
    await broadcast(server, 'of before')
    seen.between = async () => {
      await issueTagged(server, `phone ${wait}`, [])
      await broadcast(server, 'after it was taken back', { any: ['beta'] })
    }
    const { messages } = await lookup(server, issued.token, wait === 0 ? {} : { wait })
    t.same(
      messages.map(({ payload }) => payload),
      ['of before'],
    )
    t.equal(seen.between, undefined, 'it was')
  }
})

await t.test('a lookup asks once more only where tags matter', async (t) => {
  const { server, seen } = await watched(t)
  const issued = await issueTagged(server, 'phone', ['beta'])
  await broadcast(server, 'for all')
  await broadcast(server, 'for others', { any: ['x'] })
  const before = seen.lookups
  t.equal((await lookup(server, issued.token)).messages.length, 1)
  t.equal(seen.lookups - before, 1)
  await broadcast(server, 'for beta', { any: ['beta'] })
  t.equal((await lookup(server, issued.token)).messages.length, 2)
  t.equal(seen.lookups - before, 3)
})
