/** Some of everything that the metrics count. */
import { writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import {
  connectDevice,
  connectProvider,
  eventually,
  issueToken,
  lookup,
  metric,
  request,
  revoke,
  send,
  type ServerProcess,
} from '../../support/index.ts'
import type { Files } from '../../tls/support/certificates.ts'
import { makeWebhook } from '../../wire/webhooks/support/api.ts'
import { startReceiver } from '../../wire/webhooks/support/receiver.ts'

const APP = 'shop'
const VERSION = '1.0.0'

/** @param files that the server uses; it is left with none that it can use */
export async function workOfEveryKind(t: Test, server: ServerProcess, files: Files): Promise<void> {
  await delivered(t, server)
  await neverDelivered(t, server)
  await refused(t, server)
  await webhookEnds(t, server)
  writeFileSync(files.cert, 'no certificate')
  process.kill(server.pid, 'SIGHUP')
  await counted(server, 'push_tls_reloads_total', 'outcome="refused"')
}

async function counted(server: ServerProcess, name: string, labels?: string): Promise<void> {
  await eventually(`${name} ${labels ?? ''}`, async () => (await metric(server, name, labels)) > 0)
}

async function delivered(t: Test, server: ServerProcess): Promise<void> {
  const issued = await issueToken(server, { app: APP, device: 'phone', version: VERSION })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  await device.subscribe(issued.topics.broadcast!)
  const provider = await connectProvider(t, server)
  await provider.subscribe(`${APP}/u/#`)
  await device.publish(`${APP}/u/${issued.tokenId}/position`, 'here', { qos: 1 })
  await provider.next()
  for (const id of ['once', 'once']) await send(server, { token: issued.token }, 'hello', { id })
  await send(server, { app: APP, versions: '*' }, 'to all of you')
  await device.nextN(2)
  await counted(server, 'push_acknowledged_total', 'destination="private"')
  await counted(server, 'push_connections', 'principal="device"')
}

/** Dropped, expired and too large. */
async function neverDelivered(t: Test, server: ServerProcess): Promise<void> {
  const away = await issueToken(server, { app: APP, device: 'away' })
  for (const text of ['one', 'two', 'three']) await send(server, { token: away.token }, text)
  const late = await issueToken(server, { app: APP, device: 'late' })
  await send(server, { token: late.token }, 'brief', { ttl: 1 })
  await eventually('the end of a brief message', async () => (await lookup(server, late.token)).messages.length === 0)
  const small = await issueToken(server, { app: APP, device: 'small' })
  await send(server, { token: small.token }, 'x'.repeat(200))
  await connectDevice(t, server, small, { subscribe: true, properties: { maximumPacketSize: 150 } })
  await counted(server, 'push_dropped_total', 'destination="private"')
  await counted(server, 'push_expired_total', 'destination="private"')
  await counted(server, 'push_skipped_total', 'destination="private"')
}

async function refused(t: Test, server: ServerProcess): Promise<void> {
  await request(server, 'POST', '/v1/messages', { body: { to: { token: 'nobody' }, payload: 'x' } })
  await t.rejects(connectDevice(t, server, 'no token'))
  const issued = await issueToken(server, { app: APP, device: 'curious' })
  const device = await connectDevice(t, server, issued, { subscribe: true })
  await device.subscribe('#')
  await revoke(server, issued.tokenId)
  await device.closed
}

/** Its receiver wants no more calls. */
async function webhookEnds(t: Test, server: ServerProcess): Promise<void> {
  const receiver = await startReceiver(t)
  receiver.answer = 410
  await makeWebhook(server, receiver.url, { app: APP })
  await issueToken(server, { app: APP, device: 'heard of' })
  await counted(server, 'push_webhooks_disabled_total', 'because="gone"')
}
