/** What the things that grow are made of: tokens, devices and messages of any app. */
import type { Target } from '../../contenders/index.ts'
import { Device, type Identity } from '../../load/device.ts'
import { HttpPool, httpRequest } from '../../load/http.ts'
import { Ledger } from '../../load/ledger.ts'
import { inTurn } from '../../load/nodes.ts'
import { FOR_ALL, PAYLOAD_BYTES, publishTemplate, writeNumbers } from '../../load/packets.ts'
import { publishAtPeak, publishStored } from '../../load/publishing.ts'
import type { Publisher } from '../../load/publisher.ts'
import { connectPublishers, deliver, forEach } from '../steps.ts'
import { portsOf } from '../../contenders/index.ts'

export const VERSION = '1.0.0'
const SOCKETS = 16
const UNDER_WAY = 16

export interface Issue {
  readonly app: string
  readonly device: string
  readonly version?: string
  readonly tags?: readonly string[]
}

interface Issued {
  readonly token: string
  readonly tokenId: string
  readonly topics: { readonly private: string; readonly broadcast: string }
}

export class World {
  readonly target: Target
  readonly #pool: HttpPool
  readonly #key: string
  readonly #publisher: Publisher

  private constructor(target: Target, pool: HttpPool, key: string, publisher: Publisher) {
    this.target = target
    this.#pool = pool
    this.#key = key
    this.#publisher = publisher
  }

  static async open(target: Target): Promise<World> {
    if (target.http === undefined) throw new Error('no HTTP API')
    const [publisher] = await connectPublishers(target, 1)
    if (publisher === undefined) throw new Error('no publisher')
    return new World(target, await HttpPool.open(target.http.port, SOCKETS), target.http.providerKey, publisher)
  }

  async close(): Promise<void> {
    this.#pool.close()
    await this.#publisher.end()
  }

  async call(method: string, path: string, body?: unknown): Promise<string> {
    const answer = await this.#pool.request(httpRequest(method, path, this.#key, body))
    if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status} ${answer.body}`)
    return answer.body
  }

  async issue(names: Issue): Promise<Identity> {
    const body = await this.call('POST', '/v1/tokens', { version: VERSION, ...names })
    const { token, tokenId, topics } = JSON.parse(body) as Issued
    const credentials = { clientId: names.device, username: 'device', password: token }
    return { ...credentials, tokenId, privateTopic: topics.private, broadcastTopic: topics.broadcast }
  }

  /** Devices `from` to `to - 1`, connected and subscribed to both of their topics. */
  async connect(from: number, to: number, names: (index: number) => Issue): Promise<Device[]> {
    const indexes = Array.from({ length: Math.max(0, to - from) }, (_, place) => from + place)
    const devices: Device[] = []
    await forEach(indexes, async (index) => {
      const device = new Device(inTurn(portsOf(this.target), index), index, await this.issue(names(index)))
      await device.board()
      await device.subscribeOwn()
      devices.push(device)
    })
    return devices.toSorted((one, other) => one.index - other.index)
  }

  /** Over MQTT to each device in turn, until all have arrived. Devices are numbered from 0. */
  async deliver(devices: readonly Device[], messages: number): Promise<void> {
    const templates = devices.map(({ identity }) => publishTemplate(identity.privateTopic))
    const ledger = new Ledger({ messages, devices: devices.length, toAll: false })
    await deliver(devices, ledger, () => publishAtPeak({ publishers: [this.#publisher], ledger, templates }, UNDER_WAY))
  }

  /** Broadcasts over MQTT, until all of these devices have all of them. */
  async broadcast(topic: string, devices: readonly Device[], messages: number): Promise<void> {
    const ledger = new Ledger({ messages, devices: devices.length, toAll: true })
    const publishing = { publishers: [this.#publisher], ledger, templates: [publishTemplate(topic)] }
    await deliver(devices, ledger, () => publishAtPeak(publishing, UNDER_WAY))
  }

  /** Broadcasts that nobody here is for. */
  async broadcastToNobody(topic: string, messages: number): Promise<void> {
    const ledger = new Ledger({ messages, devices: 1, toAll: true, later: true })
    await publishStored({ publishers: [this.#publisher], ledger, templates: [publishTemplate(topic)] }, 0, messages)
  }

  /** Over HTTP, until all of them have arrived at this one device. */
  async send(device: Device, to: object, messages: number, more: object = {}): Promise<void> {
    const ledger = new Ledger({ messages, devices: 1, toAll: true })
    const all = Array.from({ length: messages }, (_, message) => message)
    await deliver([device], ledger, async () => {
      await forEach(
        all,
        (message) => this.call('POST', '/v1/messages', { to, ...more, ...payload(ledger, message) }),
        SOCKETS,
      )
      await ledger.done
    })
  }
}

function payload({ run }: Ledger, message: number): { payloadBase64: string } {
  const bytes = Buffer.alloc(PAYLOAD_BYTES, 'x')
  writeNumbers(bytes, 0, { run, message, device: FOR_ALL })
  return { payloadBase64: bytes.toString('base64') }
}

/** There and away, as often as it takes; nobody is connected afterwards. */
export async function visit(devices: readonly Device[], times: number): Promise<void> {
  for (let done = 0; done < times; done += devices.length) {
    await forEach(devices.slice(0, times - done), async (device) => {
      if (!(await device.board())) throw new Error(`the session of device ${device.index} was gone`)
      await device.end()
    })
  }
}
