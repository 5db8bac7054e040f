/** Events, and who reads them. */
import { forEach } from '../steps.ts'
import type { Growing, Thing } from './thing.ts'
import type { World } from './world.ts'

/** Never called: nothing happens in its app. */
const WEBHOOK = 'https://hooks.example.com/push'

/** A message with a receipt is sent over HTTP, delivered and acknowledged, which makes an event. */
async function receipts(world: World, app: string): Promise<Pick<Growing, 'step'> & { end(): void }> {
  const [device] = await world.connect(0, 1, () => ({ app, device: 'd' }))
  if (device === undefined) throw new Error('no device')
  const to = { token: device.identity.tokenId }
  return { step: (times) => world.send(device, to, times, { receipt: true }), end: () => device.cut() }
}

/** Calls for each place from where it stopped. */
function each(work: (index: number) => Promise<unknown>): (to: number) => Promise<void> {
  let known = 0
  return async (to) => {
    const from = known
    known = Math.max(known, to)
    const indexes = Array.from({ length: known - from }, (_, place) => from + place)
    await forEach(indexes, work, 16)
  }
}

export const consumers: Thing = {
  name: 'consumers of an app’s events',
  step: 'a message with a receipt is delivered',
  few: 1,
  many: 200,
  quick: 20,
  steps: 1_000,
  async begin(world) {
    const app = 'consumers'
    const consumer = (index: number): Promise<unknown> => world.call('GET', `/v1/events?app=${app}&consumer=c${index}`)
    return { ...(await receipts(world, app)), grow: each(consumer) }
  },
}

export const eventsKept: Thing = {
  name: 'events that nobody has read',
  step: 'a message with a receipt is delivered',
  few: 100,
  many: 10_000,
  quick: 500,
  steps: 1_000,
  async begin(world) {
    const { step, end } = await receipts(world, 'events')
    let known = 0
    return {
      async grow(to) {
        if (to > known) await step(to - known)
        known = to
      },
      step,
      end,
    }
  },
}

export const webhooks: Thing = {
  name: 'webhooks of other apps',
  step: 'a message with a receipt is delivered',
  few: 1,
  many: 100,
  quick: 20,
  steps: 1_000,
  async begin(world) {
    const webhook = (index: number): Promise<unknown> =>
      world.call('POST', '/v1/webhooks', { app: `hooks-${index}`, url: WEBHOOK })
    return { ...(await receipts(world, 'hooks')), grow: each(webhook) }
  },
}
