/**
 * Users with kept sessions that roam, are taken over by themselves, and lose their connections: each publishes with QoS 1 and
 * QoS 2 to topics of its own, and hears what all publish; some share a subscription beside it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type MqttClient, type Packet, Store } from 'mqtt'
import type { Test } from 'tap'
import { bob, type ConnectOptions, connect, type Device, type MqttTarget, type Scope } from '../../../support/index.ts'
import type { SeededRandom } from '../../../support/random.ts'
import type { Weather } from './devices.ts'
import type { Ledger } from './ledger.ts'

export interface RoamingUser {
  /** Whose books it keeps: each member of a group writes down for the group. */
  readonly name: string
  readonly clientId: string
  readonly filter: string
  readonly options: ConnectOptions
  readonly publishes: boolean
}

/** Members of it have no common order. */
export const POOL = 'pool'
const MEMBERS = 3
const PUBLISH_PAUSE_MS = 100
const KEPT: ConnectOptions = { protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 3600 } }
const KEPT_3: ConnectOptions = { protocolVersion: 4, clean: false }

/** So many who publish and hear everything, and a group of three. */
export function usersOf(count: number): RoamingUser[] {
  const kind = (index: number) => (index % 2 === 0 ? KEPT : KEPT_3)
  const all = Array.from({ length: count }, (_, index) => {
    const name = `user-${index}`
    return { name, clientId: name, filter: 'said/#', options: kind(index), publishes: true }
  })
  const shared = Array.from({ length: MEMBERS }, (_, index) => ({
    name: POOL,
    clientId: `pool-${index}`,
    filter: `$share/${POOL}/said/#`,
    options: kind(index),
    publishes: false,
  }))
  return [...all, ...shared]
}

/** Every session is there, and hears, when it resolves. */
export async function openUsers(t: Test, target: MqttTarget, users: readonly RoamingUser[]): Promise<void> {
  for (const { clientId, filter, options } of users) {
    const user = await connect(t, target, bob, { ...options, clientId })
    const [code] = await user.subscribe(filter, { qos: 2 })
    if (code !== 2) throw new Error(`${filter} was refused with ${code}`)
    await user.end()
  }
}

interface Pending {
  readonly text: string
  packetId: number | undefined
  /** It is answered: gone from the session of the client. */
  readonly over: () => void
  readonly settled: Promise<void>
}

/** What a user publishes, one after the other; what was not answered is sent again by the next connection. */
class Outbox {
  readonly #user: RoamingUser
  readonly #hearing: readonly string[]
  readonly #ledger: Ledger
  #pending: Pending | undefined

  constructor(user: RoamingUser, users: readonly RoamingUser[], ledger: Ledger) {
    this.#user = user
    this.#hearing = users.map(({ name }) => name)
    this.#ledger = ledger
  }

  get settled(): Promise<void> | undefined {
    return this.#pending?.settled
  }

  publish(client: MqttClient): void {
    const { name } = this.#user
    const qos = this.#ledger.nextSequence(`turns of ${name}`) % 2 === 0 ? 2 : 1
    const line = `${name} ${qos}`
    const sequence = this.#ledger.nextSequence(line)
    const text = `${name} with ${qos}: ${sequence}`
    this.#ledger.sending(text, line, sequence, qos === 2 ? 'exactly once' : 'general', this.#hearing)
    let settle: () => void = () => undefined
    const settled = new Promise<void>((resolve) => (settle = resolve))
    const end = this.#ledger.publishBegins()
    const over = () => {
      this.#pending = undefined
      end()
      settle()
    }
    this.#pending = { text, packetId: undefined, over, settled }
    client.publish(`said/${name}/${qos}`, text, { qos }, () => undefined)
  }

  /** Hears what goes over a connection. */
  watch(client: MqttClient): void {
    client.on('packetsend', (packet: Packet) => {
      const pending = this.#pending
      if (packet.cmd === 'publish' && pending?.text === packet.payload.toString()) pending.packetId = packet.messageId
    })
    client.on('packetreceive', (packet: Packet) => {
      const pending = this.#pending
      if (packet.cmd !== 'puback' && packet.cmd !== 'pubrec' && packet.cmd !== 'pubcomp') return
      if (pending?.packetId === undefined || packet.messageId !== pending.packetId) return
      const isRefused = (packet.reasonCode ?? 0) >= 0x80
      if (packet.cmd === 'pubrec' && !isRefused) return
      if (!isRefused) this.#ledger.accepted(pending.text)
      pending.over()
    })
  }
}

/** One user's life. What is under way survives its connections, as MQTT has it. */
export async function roamingUser(
  target: MqttTarget,
  user: RoamingUser,
  users: readonly RoamingUser[],
  ledger: Ledger,
  weather: Weather,
  random: SeededRandom,
): Promise<void> {
  const { name, clientId, options } = user
  const more = { outgoingStore: new Store({ clean: false }), incomingStore: new Store({ clean: false }) }
  const outbox = new Outbox(user, users, ledger)
  const watch = (client: MqttClient) => {
    outbox.watch(client)
    client.on('message', (_topic, payload) => ledger.arrived(name, payload.toString()))
  }
  let latest: Device | undefined
  const isLatest = (device: Device) => latest === device
  let former: (() => Promise<void>) | undefined
  while (!weather.over) {
    await weather.up
    const { scope, clean } = cleanable()
    try {
      const device = await connect(scope, target, bob, { ...options, clientId, more, watch })
      latest = device
      if (!device.connack.sessionPresent) ledger.broken(`the session of ${clientId} is gone`)
      if (user.publishes) void publishFrom(device, outbox, weather, isLatest)
      await former?.()
      former = undefined
      if (weather.calm) await device.closed
      else await Promise.race([device.closed, pause(random.between(200, 6_000))])
      // The next connection takes the session over while this one is there.
      if (random.chance(0.3)) former = clean
      // MQTT.js says good-bye when everything is answered.
      else if (outbox.settled === undefined && device.client.connected && random.chance(0.2)) await device.end()
      else await device.reset()
    } catch {
      // The node was killed, is not back yet, has no store, or another connection took the session: try again.
    } finally {
      if (former !== clean) await clean()
    }
  }
  await former?.()
}

function cleanable(): { readonly scope: Scope; readonly clean: () => Promise<void> } {
  const cleanups: (() => unknown)[] = []
  return {
    scope: { teardown: (clean) => void cleanups.push(clean) },
    async clean() {
      for (const each of cleanups) await each()
    },
  }
}

/** Until the connection is over, or the weather is calm and everything is answered. Never rejects. */
async function publishFrom(
  device: Device,
  outbox: Outbox,
  weather: Weather,
  isLatest: (device: Device) => boolean,
): Promise<void> {
  let isOpen = true
  const closed = device.closed.then(() => {
    isOpen = false
  })
  while (isOpen && isLatest(device)) {
    if (outbox.settled === undefined) {
      if (weather.calm) return
      outbox.publish(device.client)
    }
    await Promise.race([outbox.settled, closed])
    await pause(PUBLISH_PAUSE_MS)
  }
}
