/** Broadcasts that an app's log keeps. */
import type { Device } from '../../load/device.ts'
import { forEach } from '../steps.ts'
import type { Thing } from './thing.ts'
import { visit } from './world.ts'

const VISITORS = 50

/** Of a version that no device has. */
const other = (app: string): string => `${app}/9.9.9`

export const broadcastsKept: Thing = {
  name: 'broadcasts that an app keeps',
  step: 'a device that knows them resumes its session',
  few: 10,
  many: 10_000,
  quick: 200,
  steps: 1_500,
  async begin(world) {
    const app = 'kept'
    const visitors = await world.connect(0, VISITORS, (index) => ({ app, device: `visitor-${index}` }))
    for (const device of visitors) await device.end()
    let known = 0
    return {
      async grow(to) {
        await world.broadcastToNobody(other(app), to - known)
        known = to
        // They pass over what came, and are where they would be had they been connected.
        for (const device of visitors) await visit([device], 1)
      },
      step: (times) => visit(visitors, times),
    }
  },
}

export const broadcastsKeptNew: Thing = {
  name: 'broadcasts that an app keeps',
  step: 'a new device gets its token and connects',
  few: 10,
  many: 10_000,
  quick: 200,
  steps: 500,
  async begin(world) {
    const app = 'kept-new'
    let [known, fresh] = [0, 0]
    return {
      async grow(to) {
        await world.broadcastToNobody(other(app), to - known)
        known = to
      },
      async step(times) {
        const devices = await world.connect(fresh, fresh + times, (index) => ({ app, device: `new-${index}` }))
        fresh += times
        for (const device of devices) device.cut()
      },
    }
  },
}

export const broadcastsMissed: Thing = {
  name: 'broadcasts for others while a device was away',
  step: 'it resumes its session',
  few: 10,
  many: 1_000,
  quick: 200,
  steps: 500,
  async begin(world) {
    const app = 'missed'
    let away: Device[] = []
    let made = 0
    return {
      async grow(to) {
        // As many as are measured, and as many that go before.
        const count = 2 * broadcastsMissed.steps
        away = await world.connect(made, made + count, (index) => ({ app, device: `away-${index}` }))
        made += count
        await forEach(away, (device) => device.end())
        await world.broadcastToNobody(other(app), to)
      },
      step: (times) => visit(away.splice(0, times), times),
    }
  },
}
