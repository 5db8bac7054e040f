/** What a storm is made of: devices that reset and roam, and faults that strike at random. */
import { setTimeout as pause } from 'node:timers/promises'
import { type ApiTarget, connectDevice, type MqttTarget, type ServerProcess } from '../../../support/index.ts'
import type { Member } from '../../crash/support/devices.ts'
import { publishUpstream, type Reader } from '../../crash/support/readers.ts'
import type { Ledger } from '../../crash/support/ledger.ts'
import type { SeededRandom } from '../../../support/random.ts'

export type Target = ApiTarget & MqttTarget

/** A name that leads to any of the nodes, another each time that somebody looks. */
export function anyOf(nodes: readonly ServerProcess[], random: SeededRandom): Target {
  return {
    get mqttPort() {
      return random.pick(nodes).mqttPort
    },
    get httpPort() {
      return random.pick(nodes).httpPort
    },
    providerKey: nodes[0]?.providerKey ?? '',
  }
}

export interface Weather {
  /** Resolves soon when it is worth to try: clients that failed wait as long as that before they try again. */
  readonly up: Promise<void>
  /** No more faults: everybody stays until the end. */
  calm: boolean
  over: boolean
}

/** Between two tries of a client. */
const RETRY_MS = 20

export function createWeather(): Weather {
  return {
    get up() {
      return pause(RETRY_MS)
    },
    calm: false,
    over: false,
  }
}

/**
 * One device's life: it connects to any node, publishes to the readers, stays for a random time, loses its connection, and
 * roams. The time is not that of an arrival: a carrier does not cut connections when a message comes.
 */
export async function roamingDevice(
  target: Target,
  member: Member,
  readers: readonly Reader[],
  ledger: Ledger,
  weather: Weather,
  random: SeededRandom,
): Promise<void> {
  while (!weather.over) {
    await weather.up
    const cleanups: (() => unknown)[] = []
    try {
      const scope = { teardown: (clean: () => unknown) => void cleanups.push(clean) }
      const device = await connectDevice(scope, target, member.issued, member.options)
      // Every message goes into the ledger before its PUBACK leaves.
      device.client.on('message', (_topic, payload) => ledger.arrived(member.name, payload.toString()))
      for (const { text } of device.received) ledger.arrived(member.name, text)
      const { private: own, broadcast } = member.issued.topics
      if (!device.connack.sessionPresent) {
        await Promise.race([device.subscribe(broadcast === undefined ? [own] : [own, broadcast]), device.closed])
      }
      void publishUpstream(device, member, readers, ledger, weather)
      const stay = pause(random.between(200, 8_000))
      await Promise.race(weather.calm ? [device.closed] : [device.closed, stay])
      if (weather.calm) await device.closed
      else if (random.chance(0.8)) await device.reset()
      else await device.end()
    } catch {
      // The node was killed, is not back yet, has no Redis, or this connection was taken over: try again.
    } finally {
      for (const clean of cleanups) await clean()
    }
  }
}

export interface Strikes {
  nodes: number
  store: number
}

export interface Storm {
  readonly times: number
  readonly everyMs: number
  /** The store is struck with every so many kills of a node. */
  readonly storeEvery: number
  /** Strikes the store, and resolves when it is whole again. */
  readonly strikeStore: () => Promise<void>
}

/** Kills a random node every so many milliseconds and brings it back at once; the store is struck once it is whole. */
export async function storm(
  nodes: readonly ServerProcess[],
  { times, everyMs, storeEvery, strikeStore }: Storm,
  random: SeededRandom,
): Promise<Strikes> {
  const strikes: Strikes = { nodes: 0, store: 0 }
  const rising = new Map<ServerProcess, Promise<void>>()
  let storeRising: Promise<void> | undefined
  for (let time = 1; time <= times; time += 1) {
    await pause(everyMs)
    const node = random.pick(nodes)
    const before = rising.get(node) ?? Promise.resolve()
    // A node that is still starting is killed all the same.
    await node.kill()
    strikes.nodes += 1
    const started = before.catch(() => undefined).then(() => startAgain(node))
    rising.set(node, started)
    if (time % storeEvery > 0 || storeRising !== undefined) continue
    strikes.store += 1
    storeRising = strikeStore().then(() => (storeRising = undefined))
    // Thrown at the end; until then it is no unhandled rejection.
    storeRising.catch(() => undefined)
  }
  await storeRising
  await Promise.all(rising.values())
  for (const node of nodes) if (!node.running) await startAgain(node)
  return strikes
}

/** Without Redis, and when it is killed while it starts, a start fails; a supervisor would try again as well. */
async function startAgain(node: ServerProcess): Promise<void> {
  for (;;) {
    try {
      if (node.running) return
      return await node.restart()
    } catch {
      await pause(RETRY_MS)
    }
  }
}
