/** A node whose Redis fails: nothing is accepted there, nobody is sent away, and afterwards all goes on. */
import type { Test } from 'tap'
import { connectProvider, type Device, eventually, request, send, type Server } from '../../support/index.ts'
import type { Member } from './nodes.ts'

/** Everything a publisher may do is refused with 503 and with when to come back; devices stay connected. */
export async function acceptsNothing(t: Test, node: Server, { issued, device }: Member, what: string): Promise<void> {
  const app = issued.topics.private.split('/')[0] ?? ''
  const destinations = { private: { token: issued.tokenId }, broadcast: { app, versions: '*' } }
  for (const [name, to] of Object.entries(destinations)) {
    const answer = await request(node, 'POST', '/v1/messages', { body: { to, payload: `refused ${name}` } })
    t.match(answer, { status: 503, body: { code: 'STORE_UNAVAILABLE' } }, `${what}: ${name} is refused`)
    t.match(answer.headers['retry-after'], /^[1-9]\d*$/, `${what}: and told when to come again`)
  }
  const names = { app, device: 'new', account: 'new' }
  t.match(
    await request(node, 'POST', '/v1/tokens', { body: names }),
    { status: 503, body: { code: 'STORE_UNAVAILABLE' } },
    `${what}: no token is issued`,
  )
  const ready = await request(node, 'GET', '/readyz', { bearer: null })
  t.match(ready, { status: 503, body: { code: 'STORE_UNAVAILABLE' } }, `${what}: /readyz says so`)
  t.equal((await request(node, 'GET', '/healthz', { bearer: null })).status, 200, `${what}: the process is well`)
  t.ok(device.client.connected, `${what}: the device stays connected`)
  await answersPing(device)
}

/** A PUBLISH is not acknowledged with success, on a connection that was there before. */
export async function pubackIsNoSuccess(t: Test, provider: Device, topic: string, what: string): Promise<void> {
  await t.rejects(provider.publish(topic, 'refused over MQTT'), { code: 0x83 }, `${what}: PUBACK says no`)
}

/** PINGREQ and its answer: the connection is alive in both directions. */
export function answersPing({ client }: Device): Promise<void> {
  return new Promise((resolve) => {
    const look = ({ cmd }: { cmd: string }): void => {
      if (cmd !== 'pingresp') return
      client.off('packetreceive', look)
      resolve()
    }
    client.on('packetreceive', look)
    client.sendPing()
  })
}

/** By itself: ready, accepting, and what was sent reaches the device over the connection that it had all the time. */
export async function goesOn(t: Test, node: Server, { issued, device }: Member, expected: string[], what: string) {
  await eventually('a node that is ready', async () => (await request(node, 'GET', '/readyz')).status === 200)
  const text = `after ${what}`
  await send(node, { token: issued.tokenId }, text)
  const got: string[] = []
  while (got.at(-1) !== text) got.push((await device.next()).text)
  // Without an answer a message may be stored all the same; with 503 from a Redis that takes no writes it is not.
  const accepted = got.filter((each) => !each.startsWith('refused'))
  t.same(accepted, [...expected, text], `${what}: everything that was accepted arrives, in order`)
  t.ok(device.client.connected, `${what}: over the same connection`)
  await (await connectProvider(t, node)).end()
}
