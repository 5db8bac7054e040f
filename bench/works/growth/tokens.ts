/** Tokens, apps and tags: what is only known. */
import { forEach } from '../steps.ts'
import type { Thing } from './thing.ts'
import { visit, type Issue, type World } from './world.ts'

const DELIVERING = 20
const VISITORS = 50

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, place) => from + place)

/** Grows by tokens of these names. */
function issuing(world: World, names: (index: number) => Issue): (to: number) => Promise<void> {
  let known = 0
  return async (to) => {
    await forEach(numbers(known, to), (index) => world.issue(names(index)))
    known = Math.max(known, to)
  }
}

export const tokensIssued: Thing = {
  name: 'tokens of an app',
  step: 'another token is issued',
  few: 100,
  many: 10_000,
  quick: 500,
  steps: 1_000,
  async begin(world) {
    const app = 'tokens'
    let issued = 0
    return {
      grow: issuing(world, (index) => ({ app, device: `known-${index}` })),
      async step(times) {
        const from = issued
        issued += times
        await forEach(numbers(from, issued), (index) => world.issue({ app, device: `new-${index}` }))
      },
    }
  },
}

export const tokensListed: Thing = {
  name: 'tokens of an app',
  step: 'ten of them are listed',
  few: 100,
  many: 10_000,
  quick: 500,
  steps: 500,
  async begin(world) {
    const app = 'listed'
    return {
      grow: issuing(world, (index) => ({ app, device: `known-${index}` })),
      step: (times) => forEach(numbers(0, times), () => world.call('GET', `/v1/tokens?app=${app}&limit=10`)),
    }
  },
}

export const sessions: Thing = {
  name: 'sessions that are offline',
  step: 'a device resumes its session',
  few: 100,
  many: 10_000,
  quick: 500,
  steps: 1_500,
  async begin(world) {
    const app = 'sessions'
    const visitors = await world.connect(0, VISITORS, (index) => ({ app, device: `visitor-${index}` }))
    for (const device of visitors) device.cut()
    let known = 0
    return {
      async grow(to) {
        const fresh = await world.connect(known, to, (index) => ({ app, device: `known-${index}` }))
        for (const device of fresh) device.cut()
        known = to
      },
      step: (times) => visit(visitors, times),
    }
  },
}

export const apps: Thing = {
  name: 'apps, one token each',
  step: 'a private message is delivered',
  few: 10,
  many: 5_000,
  quick: 200,
  steps: 4_000,
  async begin(world) {
    const devices = await world.connect(0, DELIVERING, (index) => ({ app: 'apps', device: `d${index}` }))
    return {
      grow: issuing(world, (index) => ({ app: `apps-${index}`, device: 'known' })),
      step: (times) => world.deliver(devices, times),
      end: () => devices.forEach((device) => device.cut()),
    }
  },
}

export const tags: Thing = {
  name: 'tags of an app, one a device',
  step: 'a broadcast by tag reaches one device',
  few: 10,
  many: 10_000,
  quick: 200,
  steps: 1_000,
  async begin(world) {
    const app = 'tags'
    const [device] = await world.connect(0, 1, () => ({ app, device: 'd', tags: ['wanted'] }))
    if (device === undefined) throw new Error('no device')
    const to = { app, versions: '*', tags: { any: ['wanted'] } }
    return {
      grow: issuing(world, (index) => ({ app, device: `known-${index}`, tags: [`tag-${index}`] })),
      step: (times) => world.send(device, to, times),
      end: () => device.cut(),
    }
  },
}
