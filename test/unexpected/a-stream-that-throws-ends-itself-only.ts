// When one connection's stream, or what is told to one session, throws, are all others served as before?
import { Duplex } from 'node:stream'
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, metric, send } from '../support/index.ts'
import { connectBytes } from '../support/raw-mqtt.ts'
import { embed } from '../plugin/support/embed.ts'

/** Throws at the write of what was gathered in a turn: the CONNACK is the first. */
class Throwing extends Duplex {
  override _read(): void {}
  override write(): boolean {
    throw new Error('no stream does this')
  }
}

await t.test('a stream that throws', async (t) => {
  const embedded = await embed(t)
  const issued = await issueToken(embedded, { app: 'shop', device: 'phone', account: 'ann' })
  const device = await connectDevice(t, embedded, issued, { subscribe: true })
  const other = await issueToken(embedded, { app: 'shop', device: 'tablet', account: 'ann' })
  const stream = new Throwing()
  const closed = new Promise((resolve) => stream.once('close', resolve))
  embedded.push.handle(stream)
  stream.push(connectBytes({ token: other.token }))
  await closed
  await send(embedded, { token: issued.tokenId }, 'as before')
  t.equal((await device.next()).text, 'as before')
  t.equal(await metric(embedded, 'push_unexpected_errors_total', 'kind="callback"'), 1)
})
