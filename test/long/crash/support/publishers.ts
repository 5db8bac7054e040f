/** Publishers that send one message after the other, over HTTP or MQTT, and write down what was accepted. */
import { Agent } from 'node:http'
import {
  type ApiTarget,
  type ConnectOptions,
  type Destination,
  type Device,
  type MqttTarget,
  connectProvider,
  send,
} from '../../../support/index.ts'
import type { Member, Weather } from './devices.ts'
import type { Kind, Ledger } from './ledger.ts'
import type { SeededRandom } from '../../../support/random.ts'

interface Message {
  readonly kind: Kind
  readonly text: string
  readonly to: Destination
  readonly topic: string
  /** Of `<app>/*` over MQTT 5. */
  readonly versions?: string
  readonly receivers: readonly string[]
}

interface Way {
  /** Resolves when the message was accepted. */
  send(message: Message, id: string | undefined): Promise<void>
  /** After a failure, and at the end. */
  close(): Promise<void>
}

/** Who gets a range: versions are `1.<minor>.0`. */
function inRange(version: string, from: number): boolean {
  return Number(version.split('.')[1]) >= from
}

function makeMessage(
  text: string,
  app: string,
  members: readonly Member[],
  mqtt3: boolean,
  random: SeededRandom,
): Message {
  const one = random.pick(members)
  const names = (fits: (member: Member) => boolean) => members.filter(fits).map(({ name }) => name)
  if (random.chance(0.75)) {
    const { private: topic } = one.issued.topics
    return { kind: 'private', text, to: { token: one.issued.tokenId }, topic, receivers: [one.name] }
  }
  const { version } = one
  const exact = names((member) => member.version === version)
  if (mqtt3 || random.chance(0.5)) {
    return { kind: 'broadcast', text, to: { app, version }, topic: `${app}/${version}`, receivers: exact }
  }
  const from = random.between(0, 4)
  const versions = from === 0 ? '*' : `>=1.${from}.0`
  const receivers = names((member) => inRange(member.version, from))
  return { kind: 'broadcast', text, to: { app, versions }, topic: `${app}/*`, versions, receivers }
}

function httpWay(server: ApiTarget): Way {
  let agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    async send({ to, text }, id) {
      const { accepted } = await send(server, to, text, { agent, ...(id === undefined ? {} : { id }) })
      if (accepted !== 1) throw new Error(`${text} was answered 202 and not accepted`)
    },
    async close() {
      agent.destroy()
      agent = new Agent({ keepAlive: true, maxSockets: 1 })
    },
  }
}

function mqttWay(server: MqttTarget & ApiTarget, options: ConnectOptions): Way {
  let connection: { readonly provider: Device; readonly cleanups: (() => unknown)[] } | undefined
  async function connected(): Promise<Device> {
    if (connection !== undefined) return connection.provider
    const cleanups: (() => unknown)[] = []
    const scope = { teardown: (clean: () => unknown) => void cleanups.push(clean) }
    try {
      connection = { provider: await connectProvider(scope, server, options), cleanups }
    } catch (error) {
      for (const clean of cleanups) await clean()
      throw error
    }
    return connection.provider
  }
  return {
    async send({ topic, text, versions }, id) {
      const provider = await connected()
      const userProperties = { ...(id === undefined ? {} : { id }), ...(versions === undefined ? {} : { versions }) }
      const properties = options.protocolVersion === 5 ? { properties: { userProperties } } : {}
      const lost = provider.closed.then(() => Promise.reject(new Error('the connection is gone')))
      await Promise.race([provider.publish(topic, text, { qos: 1, ...properties }), lost])
    },
    async close() {
      for (const clean of connection?.cleanups ?? []) await clean()
      connection = undefined
    },
  }
}

export interface PublisherKind {
  readonly way: 'http' | 'mqtt'
  readonly protocolVersion: 4 | 5
  /** Gives ids, and repeats a message without an answer under its id; the others go on with the next one. */
  readonly repeats: boolean
}

/** Half of them HTTP; MQTT 5 and HTTP with and without repeats, MQTT 3.1.1 knows no ids. */
export function publisherKind(index: number): PublisherKind {
  const way = index % 2 === 0 ? 'http' : 'mqtt'
  const protocolVersion = index % 4 === 3 ? 4 : 5
  return { way, protocolVersion, repeats: protocolVersion === 5 && index % 8 < 4 }
}

export interface PublisherOptions {
  readonly name: string
  readonly app: string
  readonly kind: PublisherKind
  readonly members: readonly Member[]
}

/** Publishes until the weather is calm. */
export async function livePublisher(
  server: ApiTarget & MqttTarget,
  { name, app, kind, members }: PublisherOptions,
  ledger: Ledger,
  weather: Weather,
  random: SeededRandom,
): Promise<void> {
  const { way: wayName, protocolVersion, repeats } = kind
  const way = wayName === 'http' ? httpWay(server) : mqttWay(server, { protocolVersion, clientId: name })
  for (let sequence = 1; !weather.calm; sequence++) {
    const text = `${name}-${sequence}`
    const message = makeMessage(text, app, members, wayName === 'mqtt' && protocolVersion === 4, random)
    ledger.sending(text, name, sequence, message.kind, message.receivers)
    for (;;) {
      await weather.up
      try {
        await way.send(message, repeats ? text : undefined)
        ledger.accepted(text)
        break
      } catch {
        // No answer: it may be stored or not.
        await way.close()
        if (!repeats) break
      }
    }
  }
  await way.close()
}
