/** Devices that are connected, and readers of broadcasts among them. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Device } from '../../load/device.ts'
import type { Thing } from './thing.ts'
import type { Issue, World } from './world.ts'

const DELIVERING = 20

interface Crowd {
  readonly devices: readonly Device[]
  grow(to: number): Promise<void>
  end(): void
}

function crowd(world: World, names: (index: number) => Issue): Crowd {
  const devices: Device[] = []
  return {
    devices,
    async grow(to) {
      devices.push(...(await world.connect(devices.length, to, names)))
    },
    end: () => devices.forEach((device) => device.cut()),
  }
}

export const connectedDevices: Thing = {
  name: 'connected devices',
  step: 'a private message is delivered to one of 20 others',
  few: 10,
  many: 5_000,
  quick: 200,
  steps: 4_000,
  async begin(world) {
    const app = 'connected'
    const others = crowd(world, (index) => ({ app, device: `known-${index}` }))
    const devices = await world.connect(0, DELIVERING, (index) => ({ app, device: `d${index}` }))
    return {
      grow: others.grow,
      step: (times) => world.deliver(devices, times),
      end: () => [...devices, ...others.devices].forEach((device) => device.cut()),
    }
  },
}

export const idleSecond: Thing = {
  name: 'connected devices',
  step: 'a second passes',
  few: 10,
  many: 5_000,
  quick: 200,
  // What connecting left behind, such as a compaction, is done within the first half minute.
  steps: 30,
  async begin(world) {
    const all = crowd(world, (index) => ({ app: 'idle', device: `d${index}` }))
    return { grow: all.grow, step: (times) => pause(times * 1_000), end: all.end }
  },
}

export const readersOfMany: Thing = {
  name: 'connected readers of an app’s broadcasts',
  step: 'a broadcast is delivered to all, for each of them',
  few: 50,
  many: 5_000,
  quick: 200,
  steps: 20_000,
  async begin(world) {
    const all = crowd(world, (index) => ({ app: 'readers', device: `d${index}` }))
    return {
      grow: all.grow,
      step: (times) => world.broadcast('readers/1.0.0', all.devices, Math.ceil(times / all.devices.length)),
      end: all.end,
    }
  },
}

export const readersOfOthers: Thing = {
  name: 'connected readers of an app’s broadcasts',
  step: 'a broadcast for the version of one device is delivered',
  few: 10,
  many: 5_000,
  quick: 200,
  steps: 2_000,
  async begin(world) {
    const app = 'versions'
    const others = crowd(world, (index) => ({ app, device: `known-${index}` }))
    const [device] = await world.connect(0, 1, () => ({ app, device: 'd', version: '2.0.0' }))
    if (device === undefined) throw new Error('no device')
    return {
      grow: others.grow,
      step: (times) => world.broadcast(`${app}/2.0.0`, [device], times),
      end: () => [device, ...others.devices].forEach((one) => one.cut()),
    }
  },
}

export const appsRead: Thing = {
  name: 'apps, a connected device each',
  step: 'a private message is delivered in another app',
  few: 10,
  many: 3_000,
  quick: 200,
  steps: 4_000,
  async begin(world) {
    const others = crowd(world, (index) => ({ app: `read-${index}`, device: 'd' }))
    const devices = await world.connect(0, DELIVERING, (index) => ({ app: 'read', device: `d${index}` }))
    return {
      grow: others.grow,
      step: (times) => world.deliver(devices, times),
      end: () => [...devices, ...others.devices].forEach((device) => device.cut()),
    }
  },
}
