/** The provider that publishes now and then: prints what it waited for. */
import { setTimeout as pause } from 'node:timers/promises'
import { HttpPool, httpRequest } from '../load/http.ts'
import { Publisher } from '../load/publisher.ts'
import { publishTemplate } from '../load/packets.ts'

const { MQTT = '', HTTP = '', KEY = '', TOKENS = '', SECONDS = '' } = process.env
const tokens = TOKENS.split(',')
const EVERY_MS = 10

const pool = await HttpPool.open(Number(HTTP), 2)
const publisher = new Publisher(Number(MQTT))
await publisher.connect({ clientId: 'quiet', username: 'provider', password: KEY }, true)

const waits = { http: [] as number[], mqtt: [] as number[] }
const over = performance.now() + Number(SECONDS) * 1000
for (let number = 0; performance.now() < over; number++) {
  const token = tokens[number % tokens.length] ?? ''
  const bytes = httpRequest('POST', '/v1/messages', KEY, { to: { token }, payload: 'x'.repeat(64) })
  const before = performance.now()
  const { status } = await pool.request(bytes)
  if (status !== 202) throw new Error(`answered ${status}`)
  waits.http.push(performance.now() - before)
  await pause(EVERY_MS)

  const template = publishTemplate(`quiet/t/${token}`)
  const sent = performance.now()
  await new Promise<void>((resolve) => {
    publisher.onAcknowledged = () => publisher.unacknowledged === 0 && resolve()
    publisher.publish([template], () => undefined)
  })
  waits.mqtt.push(performance.now() - sent)
  await pause(EVERY_MS)
}
console.log(JSON.stringify(waits))
process.exit()
