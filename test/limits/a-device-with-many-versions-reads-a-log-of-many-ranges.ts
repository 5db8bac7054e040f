// Does a device with a hundred versions cost little more than the length of its app's log, whatever ranges are in it?
import { generate } from 'mqtt-packet'
import { t } from '../support/tap.ts'
import { connectRaw, issueToken, type Issued, type RawClient } from '../support/index.ts'
import { countWork } from './support/counted-work.ts'

const ENTRIES = 300
const VERSIONS = 100
const protocolVersion = 5

// Before the server is loaded: code that was compiled before is not counted.
const work = await countWork((url) => url.startsWith('file:') && !/\/test\/|\/mqtt-packet\/|\/tap/.test(url))
t.teardown(() => work.stop())
const { embed, PROVIDER_KEY } = await import('../plugin/support/embed.ts')
const embedded = await embed(t)
const provider = await connectRaw(t, embedded.mqttPort, { protocolVersion })
await provider.connect({ username: 'provider', password: Buffer.from(PROVIDER_KEY) })

/** Broadcasts that no device is to get, and one that all are. */
async function fill(app: string, rangeOf: (number: number) => string): Promise<void> {
  for (let number = 0; number <= ENTRIES; number++) {
    const versions = number === ENTRIES ? '*' : rangeOf(number)
    provider.send({
      cmd: 'publish',
      topic: `${app}/*`,
      payload: 'news',
      qos: 0,
      dup: false,
      retain: false,
      properties: { userProperties: { versions } },
    })
  }
  await provider.ping()
}

/** Reads the whole log, once. */
async function drain(issued: Issued, app: string): Promise<RawClient> {
  const raw = await connectRaw(t, embedded.mqttPort)
  await raw.connect({ token: issued.token })
  const topics = Array.from({ length: VERSIONS }, (_, at) => `${app}/0.${at}.0-beta.1`)
  raw.sendBytes(generate({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) }))
  const { topic } = await raw.next('publish')
  t.equal(topic, topics[0], 'it got to the end of the log')
  return raw
}

const sixteen = (number: number) => Array.from({ length: 16 }, (_, at) => `>${number + 1}.${at}.0`).join('||')
const logs: Record<string, { readonly rangeOf: (number: number) => string; readonly most: number }> = {
  // Each version is tested with each entry, which is a few steps: more would be a test without memory.
  'one range': { rangeOf: () => '>=2.1 <3', most: ENTRIES * VERSIONS * 12 },
  // A range that is new is read, and compared with each version.
  'ranges of sixteen alternatives': { rangeOf: sixteen, most: ENTRIES * VERSIONS * 150 },
}

for (const [name, { rangeOf, most }] of Object.entries(logs)) {
  await t.test(name, async (t) => {
    const app = `app-${name.length}`
    const devices = ['first', 'second']
    const issued = await Promise.all(devices.map((device) => issueToken(embedded, { app, device })))
    await fill(app, rangeOf)
    for (const [at, which] of devices.entries()) {
      const steps = await work.of(async () => (await drain(issued[at]!, app)).reset())
      t.ok(steps < most, `the ${which} drain takes ${steps} steps, of ${most}`)
    }
  })
}
