/** Steps that several works are made of. */
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { allPids, portsOf, type Target } from '../contenders/index.ts'
import { Device } from '../load/device.ts'
import { forEach } from '../load/for-each.ts'
import type { Ledger } from '../load/ledger.ts'
import { inTurn } from '../load/nodes.ts'
import { Publisher } from '../load/publisher.ts'
import { collectGarbage, cpuOf } from '../run/processes.ts'

export { forEach }

/** After the last arrival: time for what must not come, and for what the server still does for it. */
const SETTLE_MS = 200
/** The CPU time stands still: less than this in one look, us. */
const QUIET_US = 10_000
const LOOK_MS = 250
const LOOKS = 480
/** What a finalizer lets go is gone with the next one. */
const COLLECTIONS = 3

/** Devices with an index of their own, spread over the nodes. */
export async function makeDevices(target: Target, count: number, from = 0): Promise<Device[]> {
  const identities = await target.identities(from, count)
  const ports = portsOf(target)
  return identities.map((identity, place) => new Device(inTurn(ports, from + place), from + place, identity))
}

/** Devices with a session that survives the connection, subscribed to both of their topics. */
export async function connectDevices(target: Target, count: number, from = 0): Promise<Device[]> {
  const devices = await makeDevices(target, count, from)
  await forEach(devices, boardAndSubscribe)
  return devices
}

export async function boardAndSubscribe(device: Device, socket?: Socket): Promise<void> {
  await device.board(socket)
  await device.subscribeOwn()
}

export async function connectPublishers(target: Target, count: number): Promise<Publisher[]> {
  const publishers: Publisher[] = []
  for (let index = 0; index < count; index += 1) {
    const publisher = new Publisher(inTurn(portsOf(target), index))
    await publisher.connect({ clientId: `p${index}`, ...target.provider }, true)
    publishers.push(publisher)
  }
  return publishers
}

/** Does `work` and fails early when the ledger does. */
export async function deliver(devices: readonly Device[], ledger: Ledger, work: () => Promise<void>): Promise<void> {
  for (const device of devices) device.ledger = ledger
  await Promise.race([work(), ledger.done.then(() => new Promise<never>(() => undefined))])
}

/** The carrier cuts every connection, and the server has noticed. */
export async function cutAll(target: Target, devices: readonly Device[]): Promise<void> {
  for (const device of devices) device.cut()
  await untilQuiet(target)
}

export function settle(): Promise<void> {
  return pause(SETTLE_MS)
}

/**
 * Until the processes have done what they were given.
 * @param quiet CPU that they may take in one look all the same, us
 */
export async function untilQuiet(target: Target, quiet = QUIET_US): Promise<void> {
  let before = cpuOf(allPids(target))
  for (let look = 0; look < LOOKS; look += 1) {
    await pause(LOOK_MS)
    const now = cpuOf(allPids(target))
    if (now - before < quiet) return
    before = now
  }
  throw new Error('the server did not come to rest')
}

/** What garbage there was is gone, and its memory is back with the system. */
export async function collected(target: Target): Promise<void> {
  for (let time = 0; time < COLLECTIONS; time += 1) {
    await untilQuiet(target)
    collectGarbage(target.serverPids())
  }
  await untilQuiet(target)
}

export interface Spent {
  /** CPU of all processes of the contender, Redis included, us. */
  readonly server: number
  /** CPU of Redis alone, us. */
  readonly redis: number
  /** CPU of the generator, us. */
  readonly generator: number
  /** Until `work` resolved, ms. */
  readonly wall: number
}

/** What `work` costs, and what the servers still do after it. */
export async function spentOn(target: Target, work: () => Promise<unknown>, after = settle): Promise<Spent> {
  const redisPids = target.redis === undefined ? [] : [target.redis.pid]
  const cpu = (): number => cpuOf(allPids(target))
  const redis = (): number => (redisPids.length === 0 ? 0 : cpuOf(redisPids))
  const [cpuBefore, redisBefore] = [cpu(), redis()]
  const own = process.cpuUsage()
  const start = performance.now()
  await work()
  const wall = performance.now() - start
  const { user, system } = process.cpuUsage(own)
  await after()
  return { server: cpu() - cpuBefore, redis: redis() - redisBefore, generator: user + system, wall }
}
