// Does a bridge come back whatever the other broker sends, and is what is too large for us passed over?
import { mosquittoSub } from '../../support/index.ts'
import { t } from '../../support/tap.ts'
import { startRemote } from './support/remote.ts'
import { bridgeTo, serve, topic } from './support/serve.ts'

await t.test('garbage', async (t) => {
  const remote = await startRemote(t)
  await serve(t, { bridges: [bridgeTo(remote.port, { topics: [topic('#', 'both', 1)] })] })
  for (const bytes of [
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(10)),
    Buffer.from([0x20, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0x10, 0x00]),
    Buffer.alloc(100_000, 0xff),
  ]) {
    const before = await remote.accept()
    before.sendBytes(bytes)
    await before.closed
    const after = await remote.welcome()
    after.sendBytes(bytes)
    await after.closed
  }
  const topics = ['a/+', 'a/#', '']
  for (const name of topics) {
    const wild = await remote.welcome()
    wild.sendBytes(Buffer.concat([Buffer.from([0x30, name.length + 2, 0, name.length]), Buffer.from(name)]))
    await wild.closed
  }
  const { packets } = await remote.welcome()
  t.match(await packets.next(), { cmd: 'publish', topic: '$SYS/broker/connection/here.sample/state' }, 'it is back')
})

await t.test('a message that is too large', async (t) => {
  const remote = await startRemote(t)
  const limits = { maximumPacketSize: 20_000 }
  const bridge = bridgeTo(remote.port, { topics: [topic('#', 'both', 1)] })
  const local = await serve(t, { bridges: [bridge], push: { limits } })
  const here = await mosquittoSub(t, local, '-t', '#', '-q', '1')
  const there = await remote.welcome()
  await there.next('subscribe')
  const publish = { cmd: 'publish', topic: 'a', qos: 1, dup: false, retain: false } as const
  there.send({ ...publish, messageId: 7, payload: Buffer.alloc(3_000_000) })
  t.match(await there.next('puback'), { messageId: 7 }, 'it is acknowledged')
  there.send({ ...publish, messageId: 8, payload: 'small' })
  t.match(await there.next('puback'), { messageId: 8 })
  t.match(await here.next(), { payload: 'small' })
  t.match(local.log.join('\n'), /a message to \\"a\\" does not go on: it has 3000010 bytes/)
})
