/** Publishing over HTTP, one message a request and many tokens a request. */
import type { Device } from '../load/device.ts'
import { HttpPool, httpRequest } from '../load/http.ts'
import { Ledger } from '../load/ledger.ts'
import { FOR_ALL, PAYLOAD_BYTES, writeNumbers } from '../load/packets.ts'
import { connectDevices, deliver, forEach, settle, spentOn } from './steps.ts'
import type { Work, WorkContext } from './work.ts'

const SOCKETS = 16
const TOKENS = 100
const DEVICES = 20

interface Requests {
  readonly devices: readonly Device[]
  readonly ledger: Ledger
  /** The `to` of the request for message n. */
  destination(message: number): object
}

function requestOf({ devices, ledger, destination }: Requests, message: number, key: string): Buffer {
  const payload = Buffer.alloc(PAYLOAD_BYTES, 'x')
  const device = ledger.toAll ? FOR_ALL : message % devices.length
  writeNumbers(payload, 0, { run: ledger.run, message, device })
  const body = { to: destination(message), payloadBase64: payload.toString('base64') }
  return httpRequest('POST', '/v1/messages', key, body)
}

async function send({ target, record }: WorkContext, requests: Requests, inCase: string | undefined): Promise<void> {
  const { devices, ledger } = requests
  if (target.http === undefined) throw new Error('no HTTP API')
  const { port, providerKey } = target.http
  // Made before the clock starts: JSON and base64 are not what the generator should spend its time on.
  const prepared = Array.from({ length: ledger.messages }, (_, message) => requestOf(requests, message, providerKey))
  const pool = await HttpPool.open(port, SOCKETS)
  const publish = async (): Promise<void> => {
    await forEach(
      prepared,
      async (bytes) => {
        const { status, body } = await pool.request(bytes)
        if (status !== 202) throw new Error(`a message was answered ${status} ${body}`)
      },
      SOCKETS,
    )
    await ledger.done
  }
  const spent = await spentOn(target, () => deliver(devices, ledger, publish))
  ledger.check()
  pool.close()
  if (inCase === undefined) return
  record('cpu', spent.server / ledger.expected, inCase)
  if (target.redis !== undefined) record('redis cpu', spent.redis / ledger.expected, inCase)
  record('throughput', (ledger.expected / spent.wall) * 1_000, inCase)
  record('generator', spent.generator / ledger.expected, inCase)
}

export const httpPublish: Work = {
  name: 'http',
  title: 'Private publish over HTTP',
  figures: [
    { name: 'cpu', unit: 'us', about: 'all server processes and Redis, for one message delivered' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'throughput', unit: '/s', about: 'deliveries a second' },
    { name: 'generator', unit: 'us', about: 'CPU of the load generator' },
  ],
  about: ({ messages }) =>
    `${SOCKETS} connections that stay open send \`POST /v1/messages\`: ${messages / 4} messages to one of ${DEVICES} connected devices each, then ${Math.ceil(messages / TOKENS)} messages to ${TOKENS} tokens each. Only aedes-push has an HTTP API.`,
  fits: ({ ours }) => ours,
  async run(context) {
    const { messages } = context.sizes
    const devices = await connectDevices(context.target, TOKENS)
    const few = devices.slice(0, DEVICES)
    const tokens = devices.map(({ identity }) => identity.tokenId)
    const alone = (count: number): Requests => ({
      devices: few,
      ledger: new Ledger({ messages: count, devices: DEVICES, toAll: false }),
      destination: (message) => ({ token: tokens[message % DEVICES] }),
    })
    const together = (count: number): Requests => ({
      devices,
      ledger: new Ledger({ messages: count, devices: TOKENS, toAll: true }),
      destination: () => ({ tokens }),
    })
    await send(context, alone(Math.ceil(messages / 10)), undefined)
    await send(context, alone(Math.ceil(messages / 4)), 'one message a request')
    await send(context, together(Math.ceil(messages / TOKENS / 4)), undefined)
    await send(context, together(Math.ceil(messages / TOKENS)), `${TOKENS} tokens a request`)
    await settle()
    for (const device of devices) await device.end()
  },
}
