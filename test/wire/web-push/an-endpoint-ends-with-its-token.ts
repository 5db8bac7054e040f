// Does nothing come through an endpoint after its token was revoked, its account logged out, or another one logged in?
import { eventually, lookup, request, revoke, type Server } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { onEachEngine } from '../../tokens/support/engines.ts'
import { at, BODY, PLAIN, type Subscribed, subscribe, through } from './support/push.ts'

const ORIGIN = 'https://push.example.com'
const settings = { PUSH_PUBLIC_URL: ORIGIN, PUSH_MAX_WEB_PUSH_REQUESTS: '0', PUSH_MAX_WEB_PUSH: '10000' }
const GONE = { status: 410, code: 'ENDPOINT_GONE' }

const post = (server: Server, { endpoint }: Subscribed, headers: Record<string, string> = {}) =>
  at(through(endpoint, server), { headers: { ...PLAIN, ...headers }, body: BODY })

/** Sends until it is refused; how many were accepted, and the first refusal. */
async function sendOn(server: Server, issued: Subscribed) {
  for (let accepted = 0; ; accepted++) {
    const answer = await post(server, issued)
    if (answer.status !== 201) return { accepted, answer }
  }
}

await onEachEngine(
  t,
  async (t, { one, other }) => {
    const ended = async (issued: Subscribed, name: string) => {
      for (const server of [one, other]) {
        t.match(await post(server, issued), GONE, name)
        t.match(await post(server, issued, { ttl: '0' }), GONE, `${name}, now or never`)
        t.match(await at(through(issued.endpoint, server), { method: 'GET' }), GONE, `${name}, asked`)
      }
    }

    await t.test('another account', async () => {
      const ann = await subscribe(one, { account: 'ann' })
      const bob = await subscribe(other, { account: 'bob' })
      t.not(ann.endpoint, bob.endpoint)
      await ended(ann, 'ann')
      t.equal((await post(one, bob)).status, 201)
      t.equal((await lookup(one, bob.token)).messages.length, 1)
      const again = await subscribe(one, { account: 'ann' })
      await ended(ann, 'ann, before she came back')
      t.equal((await post(other, again)).status, 201)
      t.equal((await lookup(one, again.token)).messages.length, 1)
    })

    await t.test('a logout', async () => {
      const issued = await subscribe(one, { device: 'tablet' })
      await request(other, 'DELETE', '/v1/tokens/current', { bearer: issued.token })
      await ended(issued, 'logged out')
    })

    await t.test('all tokens of an account', async () => {
      const issued = await subscribe(one, { device: 'watch', account: 'ann' })
      await request(one, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account: 'ann' } })
      t.match(await post(one, issued), GONE)
      await eventually('another node knows it', async () => (await post(other, issued)).status === 410)
      await ended(issued, 'revoked with its account')
      const again = await subscribe(other, { device: 'watch', account: 'ann' })
      await ended(issued, 'also when the device is back')
      t.equal((await post(one, again)).status, 201)
    })

    await t.test('a token id that nobody knows', async () => {
      const issued = await subscribe(one, { device: 'lost' })
      await revoke(one, issued.tokenId)
      await ended(issued, 'revoked')
    })

    await t.test('while messages come through both nodes', async (t) => {
      for (let round = 0; round < 5; round++) {
        const issued = await subscribe(one, { device: `raced ${round}` })
        const senders = [sendOn(one, issued), sendOn(other, issued), sendOn(one, issued)]
        await Promise.race([post(one, issued), post(other, issued)])
        await revoke(other, issued.tokenId)
        const after = await Promise.all([post(one, issued), post(other, issued)])
        for (const answer of after) t.match(answer, GONE, 'nothing is accepted that began after the revocation')
        for (const { answer } of await Promise.all(senders)) t.match(answer, GONE)
        await subscribe(one, { device: `raced ${round}` })
        t.match(await post(other, issued), GONE)
      }
    })
  },
  { settings },
)
