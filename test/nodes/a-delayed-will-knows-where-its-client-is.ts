// Is a delayed will dropped when its session goes on at another node, and sent when it is ended there?
import { t } from '../support/tap.ts'
import { ann, connect, eventually, passwordFile, type ConnectOptions, type Server } from '../support/index.ts'
import { KEPT, twoNodes } from './support/nodes.ts'

const SOON = 1
const LATE = 3600

t.test('delayed wills', async (t) => {
  const { redis, a, b } = await twoNodes(t, { PUSH_PASSWORD_FILE: passwordFile(t) })
  const watcher = await connect(t, b, ann)
  await watcher.subscribe('wills/#')

  const withWill = (node: Server, clientId: string, seconds: number) =>
    connect(t, node, ann, {
      ...KEPT,
      clientId,
      will: {
        topic: `wills/${clientId}`,
        payload: Buffer.from('gone'),
        qos: 1,
        properties: { willDelayInterval: seconds },
      },
    })
  const next = async () => (await watcher.next()).topic

  for (const [how, drop] of [
    ['was lost', true],
    ['is taken over', false],
  ] as const) {
    await t.test(`a connection that ${how}`, async (t) => {
      const comeBack = async (clientId: string, seconds: number, options: ConnectOptions) => {
        const first = await withWill(a, clientId, seconds)
        if (drop) await first.reset()
        const second = await connect(t, b, ann, { ...options, clientId })
        await first.closed
        return second
      }
      const resumed = await comeBack('resumed', SOON, KEPT)
      t.equal(resumed.connack.sessionPresent, true)
      // Its time begins after the other's.
      await (await withWill(a, 'control', SOON)).reset()
      t.equal(await next(), 'wills/control', 'no will of a session that goes on')

      const replaced = await comeBack('replaced', LATE, { ...KEPT, clean: true })
      t.equal(replaced.connack.sessionPresent, false)
      t.equal(await next(), 'wills/replaced', 'at once when the session is ended')
      await eventually(
        'nothing of these wills, which would be sent when their node dies',
        async () => !/resumed|replaced/.test(await redis.cli('keys', '*will:*')),
      )
      for (const client of [resumed, replaced]) await client.end()
      await connect(t, b, ann, { clientId: 'control', clean: true })
    })
  }
})
