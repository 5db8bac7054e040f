// Is a client told, once, how many messages went because too many were pending?
import { issueToken, send, startServer } from '../support/index.ts'
import { t } from '../support/tap.ts'
import { startListening } from './support/listening.ts'

const server = await startServer(t, { settings: { PUSH_MAX_PENDING_MESSAGES: '5' } })

for (const transport of ['stream', 'poll'] as const)
  await t.test(transport, async (t) => {
    const { token, tokenId } = await issueToken(server, { app: 'chat', device: transport })
    const missed: (number | true)[] = []
    const options = { token, transport, onMissed: (count: number | true) => void missed.push(count) }
    const sendAll = async (count: number) => {
      for (let number = 1; number <= count; number += 1) await send(server, { token: tokenId }, `number ${number}`)
    }
    await sendAll(8)
    const first = startListening(t, server, options)
    t.same(await first.texts(5), ['number 4', 'number 5', 'number 6', 'number 7', 'number 8'])
    await first.listener.close()
    t.same(missed, [3])

    await sendAll(7)
    const second = startListening(t, server, options)
    t.same(await second.texts(5), ['number 3', 'number 4', 'number 5', 'number 6', 'number 7'])
    t.same(missed, [3, 2])
    await second.listener.close()
  })
