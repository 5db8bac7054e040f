// While messages are sent to an account, its device is switched to another and back again: is each message stored where
// the account was logged in, is none with the other account, and is the device found when it is back?
import { t } from '../support/tap.ts'
import { request } from '../support/index.ts'
import { issue } from './support/calls.ts'
import { onEachEngine } from './support/engines.ts'

/** On each engine. */
const SENDS = process.env.PUSH_TEST_LONG === '1' ? 10_000 : 1_500
const TOGETHER = 50

await onEachEngine(
  t,
  async (t, { one, other }) => {
    const steady = await issue(one, { app: 'chat', device: 'steady', account: 'ann' })
    const roaming = await issue(one, { app: 'chat', device: 'roaming', account: 'ann' })
    const bob = await issue(one, { app: 'chat', device: 'elsewhere', account: 'bob' })
    let isOver = false
    const counts = new Map<string, number>()
    const sending = async (): Promise<void> => {
      for (let sent = 0; sent < SENDS; sent += TOGETHER) {
        const answers = await Promise.all(
          Array.from({ length: TOGETHER }, (_, at) =>
            request(at % 2 === 0 ? one : other, 'POST', '/v1/messages', {
              body: { to: { app: 'chat', account: 'ann' }, payload: 'x', ttl: 60 },
            }),
          ),
        )
        for (const { status, body, text } of answers) {
          if (status !== 202) t.fail(`${status} ${text}`)
          if (status !== 202 || !body.tokenIds.includes(steady.tokenId)) t.fail('the device that stays was missed')
          for (const id of body.tokenIds) counts.set(id, (counts.get(id) ?? 0) + 1)
        }
      }
      isOver = true
    }
    let switches = 0
    const roam = async (): Promise<void> => {
      while (!isOver) {
        await issue(switches % 2 === 0 ? one : other, { app: 'chat', device: 'roaming', account: 'bob' })
        await issue(switches % 2 === 0 ? other : one, { app: 'chat', device: 'roaming', account: 'ann' })
        const { body } = await request(one, 'POST', '/v1/messages', {
          body: { to: { app: 'chat', account: 'ann' }, payload: 'y', ttl: 60 },
        })
        if (!body.tokenIds.includes(roaming.tokenId)) t.fail('a device that is back was not found')
        switches += 1
      }
    }
    await Promise.all([sending(), roam()])
    t.equal(counts.get(steady.tokenId), SENDS)
    t.ok((counts.get(roaming.tokenId) ?? 0) > 0 && switches > 5, `${switches} switches`)
    t.same([...counts.keys()].toSorted(), [steady.tokenId, roaming.tokenId].toSorted(), 'and nobody else got one')
    t.notOk(counts.has(bob.tokenId))
  },
  { settings: { PUSH_MAX_WORK: '0' } },
)
