// When the server is killed in the middle of draining an offline backlog, again and again, does every message still come?
import { t } from '../../support/tap.ts'
import {
  type Arrival,
  type ConnectOptions,
  type Issued,
  connectDevice,
  issueToken,
  startServerProcess,
} from '../../support/index.ts'
import { numbered, sendEach, texts } from '../../delivery/support/messages.ts'
import { seededRandom } from '../../support/random.ts'

const MESSAGES = 250
const MOST_KILLS = 10
const app = 'shop'
const random = seededRandom()
t.comment(`PUSH_TEST_SEED=${random.seed} repeats the choices of this run`)
const server = await startServerProcess(t, { settings: { PUSH_LOG_LEVEL: 'warn' } })
const kept = { clean: false, properties: { sessionExpiryInterval: 3600 } }
const kinds: Record<string, ConnectOptions> = {
  'MQTT 3.1.1, clean session': { protocolVersion: 4 },
  'MQTT 3.1.1, kept session': { protocolVersion: 4, clean: false, clientId: 'phone' },
  'MQTT 5, clean start': {},
  'MQTT 5, kept session': kept,
  'MQTT 5, Receive Maximum 1': { ...kept, properties: { ...kept.properties, receiveMaximum: 1 } },
}
const members: { name: string; issued: Issued; options: ConnectOptions; arrived: Arrival[] }[] = []
for (const [name, options] of Object.entries(kinds)) {
  const issued = await issueToken(server, { app, device: name, account: 'ada', version: '1.0.0' })
  members.push({ name, issued, options, arrived: [] })
}
const privately = numbered(MESSAGES)
const broadcasts = numbered(MESSAGES, 1, 'b')
await sendEach(t, server, { tokens: members.map(({ issued }) => issued.tokenId) }, privately)
await sendEach(t, server, { app, versions: '*' }, broadcasts)
const distinct = (arrived: readonly Arrival[]) => new Set(arrived.map(({ text }) => text)).size
const isComplete = () => members.every(({ arrived }) => distinct(arrived) === 2 * MESSAGES)

/** One life of the server: everybody drains until it is killed, or all have everything. */
async function life(arrivals: number): Promise<void> {
  let left = arrivals
  let stop: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => (stop = resolve))
  const draining = members.map(async ({ issued, options, arrived }) => {
    try {
      const device = await connectDevice(t, server, issued, options)
      // Without an answer to it, the messages tell all the same.
      void device.subscribe([issued.topics.private, issued.topics.broadcast!]).catch(() => undefined)
      for (;;) {
        arrived.push(await device.next())
        left -= 1
        if (left <= 0 || isComplete()) stop()
      }
    } catch {
      // The server is gone; what arrived before counts.
    }
  })
  await stopped
  await server.kill()
  await Promise.all(draining)
}

let kills = 0
while (!isComplete() && kills < MOST_KILLS) {
  await life(random.between(20, 500))
  kills += 1
  await server.restart()
}
if (!isComplete()) await life(Number.POSITIVE_INFINITY)

let duplicates = 0
for (const { name, issued, arrived } of members) {
  const firsts = (topic: string) => [...new Set(texts(arrived.filter((each) => each.topic === topic)))]
  t.same(firsts(issued.topics.private), privately, `${name}: the private log, in order`)
  t.same(firsts(issued.topics.broadcast!), broadcasts, `${name}: the broadcast log, in order`)
  duplicates += arrived.length - distinct(arrived)
}
t.comment(`${kills} kills while draining, ${duplicates} duplicates of ${members.length * MESSAGES * 2} deliveries`)
