// Does a client that leaves at any moment hold no place, and is a stream told when the store fails, and good again after that?
import { t } from '../../support/tap.ts'
import { issueToken, request, send } from '../../support/api.ts'
import { eventually, within } from '../../support/waiting.ts'
import { PushError } from '../../../errors.ts'
import { head, openRaw } from '../../bridge/support/raw.ts'
import { serve } from '../../bridge/support/serve.ts'
import { openStream, payloads } from './support/stream.ts'

const MOST = 4

await t.test('a client leaves while something is awaited for it', async (t) => {
  const held: (() => void)[] = []
  let isHolding = false
  const hold = async () => {
    if (isHolding) await new Promise<void>((release) => held.push(release))
  }
  const api = await serve(t, {
    limits: { waiting: MOST, waitingPerToken: 2 * MOST, longPollRecheckMs: 3_600_000 },
    around: (store) => ({
      async commit(commits) {
        await hold()
        return await store.commit(commits)
      },
      async follow(tokenId) {
        await hold()
        return await store.follow(tokenId)
      },
      async readPrivate(...asked) {
        await hold()
        return await store.readPrivate(...asked)
      },
    }),
  })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  await send(api, { token }, 'one')
  const first = await openStream(t, api, { bearer: token })
  const { id } = await first.events.next()
  first.close()

  // In turn: while what it has is acknowledged, while it begins to listen, while it is read for the first time.
  for (let waits = 1; waits <= 3; waits++) {
    isHolding = true
    const socket = await openRaw(t, api.httpPort)
    const lastEventId = { 'last-event-id': id }
    socket.write(head('GET /v1/messages/stream?ack=auto', { authorization: `Bearer ${token}`, ...lastEventId }))
    for (let wait = 1; wait < waits; wait++) {
      await eventually('it is held', () => held.length > 0)
      held.shift()?.()
    }
    await eventually('it is held', () => held.length > 0)
    socket.destroy()
    await eventually('the server knows', async () => {
      const connections = await new Promise<number>((resolve) => {
        api.app.server.getConnections((_, count) => resolve(count))
      })
      return connections === 0
    })
    isHolding = false
    for (const release of held.splice(0)) release()
    const next = await openStream(t, api, { bearer: token, headers: lastEventId })
    await send(api, { token }, `after ${waits}`)
    await next.events.nextWhere(({ data }) => data.payload === `after ${waits}`)
    next.close()
  }
  const statuses = await eventually('room for as many as before', async () => {
    const opening = Array.from({ length: MOST }, () => openStream(t, api, { bearer: token }))
    const streams = await Promise.all(opening)
    const all = streams.map(({ status }) => status)
    for (const stream of streams) stream.close()
    return all.every((status) => status === 200) ? all : undefined
  })
  t.equal(statuses.length, MOST, 'nobody who left holds a place')
})

await t.test('the store does not answer', async (t) => {
  let isAway = false
  const api = await serve(t, {
    around: (store) => ({
      async readPrivate(...asked) {
        if (isAway) throw new PushError('STORE_UNAVAILABLE')
        return await store.readPrivate(...asked)
      },
    }),
  })
  const { token } = await issueToken(api, { app: 'chat', device: 'phone' })
  const stream = await openStream(t, api, { bearer: token })
  await stream.lines.next()
  isAway = true
  await send(api, { token }, 'one')
  t.match(await stream.events.next(), { type: 'end', data: { code: 'STORE_UNAVAILABLE', status: 503 } })
  await within('the end', stream.ended)
  isAway = false
  t.same(await payloads(await openStream(t, api, { bearer: token }), 1), ['one'])
  t.equal((await request(api, 'GET', '/readyz')).status, 200)
})
