/** Publishing over HTTP, one message a request and many tokens a request. */
import type { Device } from '../load/device.ts'
import { HttpPool, httpRequest } from '../load/http.ts'
import { Ledger } from '../load/ledger.ts'
import { FOR_ALL, PAYLOAD_BYTES, writeNumbers } from '../load/packets.ts'
import { connectDevices, deliver, forEach, makeDevices, settle, spentOn } from './steps.ts'
import type { Work, WorkContext } from './work.ts'

const SOCKETS = 16
/** One request at a time takes longer: so much fewer. */
const FEWER = 4
const TOKENS = 100
const DEVICES = 20

interface Requests {
  readonly devices: readonly Device[]
  readonly ledger: Ledger
  /** The `to` of the request for message n. */
  destination(message: number): object
  /** Nothing arrives anywhere. */
  readonly isDryRun?: boolean
}

const CHECKED = `only checked (dryRun), ${SOCKETS} connections`

function requestOf({ devices, ledger, destination, isDryRun }: Requests, message: number, key: string): Buffer {
  const payload = Buffer.alloc(PAYLOAD_BYTES, 'x')
  const device = ledger.toAll ? FOR_ALL : message % devices.length
  writeNumbers(payload, 0, { run: ledger.run, message, device })
  const body = {
    to: destination(message),
    payloadBase64: payload.toString('base64'),
    ...(isDryRun === true ? { dryRun: true } : {}),
  }
  return httpRequest('POST', '/v1/messages', key, body)
}

interface Load {
  readonly requests: Requests
  readonly sockets: number
  /** Undefined: a warm-up. */
  readonly inCase?: string
}

async function send({ contender, target, record }: WorkContext, load: Load): Promise<void> {
  const { requests, sockets, inCase } = load
  const { devices, ledger } = requests
  if (target.http === undefined) throw new Error('no HTTP API')
  const { port, providerKey } = target.http
  // Made before the clock starts: JSON and base64 are not what the generator should spend its time on.
  const prepared = Array.from({ length: ledger.messages }, (_, message) => requestOf(requests, message, providerKey))
  const pool = await HttpPool.open(port, sockets)
  const publish = async (): Promise<void> => {
    await forEach(
      prepared,
      async (bytes) => {
        const { status, body } = await pool.request(bytes)
        if (status !== (requests.isDryRun === true ? 200 : 202))
          throw new Error(`a message was answered ${status} ${body}`)
      },
      sockets,
    )
    if (contender.answersOnly !== true && requests.isDryRun !== true) await ledger.done
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
    { name: 'cpu', unit: 'us', compared: true, about: 'all server processes and Redis, for one message delivered' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'throughput', unit: '/s', about: 'deliveries a second' },
    { name: 'generator', unit: 'us', about: 'CPU of the load generator' },
  ],
  about: ({ messages }) =>
    `Connections that stay open send \`POST /v1/messages\`: up to ${messages / 4} messages to one of ${DEVICES} connected devices each, the same with \`dryRun\`; then ${Math.ceil(messages / TOKENS)} messages to ${TOKENS} tokens each. Only aedes-push has an HTTP API; *fastify* checks the same body and answers the same, and delivers nothing; *fastify-synced*, *fastify-level* and *fastify-redis* store it before they answer, and deliver it.`,
  fits: ({ ours, works }) => ours || works?.includes('http') === true,
  async run(context) {
    const { target, contender, sizes } = context
    const { messages } = sizes
    const devices =
      contender.answersOnly === true ? await makeDevices(target, TOKENS) : await connectDevices(target, TOKENS)
    const few = devices.slice(0, DEVICES)
    const tokens = devices.map(({ identity }) => identity.tokenId)
    const alone = (count: number, isDryRun = false): Requests => {
      const later = contender.answersOnly === true || isDryRun
      const ledger = new Ledger({ messages: count, devices: DEVICES, toAll: false, later })
      return { devices: few, ledger, destination: (message) => ({ token: tokens[message % DEVICES] }), isDryRun }
    }
    const together = (count: number): Requests => ({
      devices,
      ledger: new Ledger({ messages: count, devices: TOKENS, toAll: true, later: contender.answersOnly === true }),
      destination: () => ({ tokens }),
    })
    await send(context, { requests: alone(Math.ceil(messages / 4)), sockets: SOCKETS })
    for (const sockets of [SOCKETS, 1]) {
      const inCase = `one message a request, ${sockets} connections`
      if (!context.wants(inCase)) continue
      const count = Math.ceil(messages / 4 / (sockets === 1 ? FEWER : 1))
      await send(context, { requests: alone(count), sockets, inCase })
    }
    if (contender.ours && context.wants(CHECKED)) {
      await send(context, { requests: alone(Math.ceil(messages / 4), true), sockets: SOCKETS, inCase: CHECKED })
    }
    const inCase = `${TOKENS} tokens a request, ${SOCKETS} connections`
    if (context.wants(inCase)) {
      await send(context, { requests: together(Math.ceil(messages / TOKENS / 4)), sockets: SOCKETS })
      await send(context, { requests: together(Math.ceil(messages / TOKENS)), sockets: SOCKETS, inCase })
    }
    await settle()
    if (contender.answersOnly !== true) for (const device of devices) await device.end()
  },
}
