// Many accounts are revoked at once: is everybody else looked at once or twice, and asked nothing, and does who is meant end?
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { DeviceSessions, type LiveSession } from '../../broker/session/device-sessions.ts'
import type { DelayedWills } from '../../broker/session/delayed-wills.ts'
import { createMetrics } from '../../common/metrics.ts'
import { DEFAULT_LIMITS } from '../../common/limits.ts'
import { Turns } from '../../common/turns.ts'
import type { Store } from '../../store/contract.ts'
import { issueToken, eventually, request } from '../support/index.ts'
import { serve } from '../bridge/support/serve.ts'

const SESSIONS = 3_000
const REVOCATIONS = 500
const FAULTY = '7'

await t.test('live sessions', async (t) => {
  let revoke: (app: string, accountMark: string | undefined) => void = () => undefined
  const revoked = new Set<string>()
  let looks = 0
  const sessions = new DeviceSessions({
    store: { watch: () => () => undefined, commit: async () => [] } as Partial<Store> as Store,
    metrics: createMetrics(),
    logger: pino({ level: 'silent' }),
    limits: DEFAULT_LIMITS,
    turns: new Turns(),
    revocations: {
      isRevoked: ({ accountMark }) => {
        looks += 1
        return revoked.has(accountMark)
      },
      onRevoked: (listener) => {
        revoke = listener
        return () => undefined
      },
    },
    wills: { stop: () => undefined } as Partial<DelayedWills> as DelayedWills,
    now: Date.now,
    monotonic: () => performance.now(),
  })
  const ended = new Set<string>()
  sessions.start()
  t.teardown(() => sessions.stop())
  for (let number = 0; number < SESSIONS; number += 1) {
    const tokenId = `${number}`
    const session: LiveSession = {
      tokenId,
      epoch: 1,
      device: { generation: 1, kid: 'k', app: 'chat', accountMark: tokenId, epochs: [0, 0] },
      connection: {
        isParting: false,
        onceOver: (callback) => callback(),
        failed: () => void (tokenId === FAULTY || t.fail('a fault of another one')),
      },
      end({ code }) {
        sessions.remove(session, Promise.resolve())
        if (code !== 'TOKEN_REVOKED') return
        ended.add(tokenId)
        if (tokenId === FAULTY) throw new Error('a fault of this one alone')
      },
      privateArrived: () => undefined,
      privateRemoved: () => undefined,
      acknowledgedElsewhere: () => undefined,
      cursorsLost: () => undefined,
      look: () => undefined,
    }
    sessions.add(session)
  }
  for (let number = 0; number < REVOCATIONS; number += 1) {
    const accountMark = number % 2 === 0 ? `${number + 5}` : `nobody ${number}`
    revoked.add(accountMark)
    revoke('chat', accountMark)
  }
  await eventually('the end of those who are meant', () => ended.size === REVOCATIONS / 2)
  await eventually('the end of the passes', () => looks >= SESSIONS + (SESSIONS - ended.size))
  t.ok(looks <= 2 * SESSIONS, `${looks} looks at ${SESSIONS} sessions`)
  t.same([...ended].toSorted(), [...revoked].filter((mark) => !mark.startsWith('nobody')).toSorted())
})

await t.test('polls that wait', async (t) => {
  const api = await serve(t, {
    around: (store) => ({
      lookupToken: (tokenId) => {
        lookups.push(tokenId)
        return store.lookupToken(tokenId)
      },
    }),
  })
  const lookups: string[] = []
  const [ann, bob] = [
    await issueToken(api, { app: 'chat', device: 'a', account: 'ann' }),
    await issueToken(api, { app: 'chat', device: 'b', account: 'bob' }),
  ]
  const wait = ({ token }: { token: string }) => request(api, 'GET', '/v1/messages?wait=30', { bearer: token })
  const [anns, bobs] = [wait(ann), wait(bob)]
  await eventually('both to wait', () => [ann, bob].every(({ tokenId }) => lookups.includes(tokenId)))
  const revokeAll = (account: string) => request(api, 'POST', '/v1/tokens/revoke', { body: { app: 'chat', account } })
  for (let number = 0; number < 50; number += 1) await revokeAll(`nobody ${number}`)
  await revokeAll('ann')
  t.match((await anns).body, { code: 'TOKEN_REVOKED' })
  t.equal(lookups.filter((tokenId) => tokenId === bob.tokenId).length, 1, 'nothing is asked for who is not meant')
  await revokeAll('bob')
  t.match((await bobs).body, { code: 'TOKEN_REVOKED' })
})
