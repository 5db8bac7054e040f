/** What it costs that a device comes back on another node, or another worker, than the one that it left. */
import type { Socket } from 'node:net'
import { openAt, type Place, placesOf } from '../run/places.ts'
import type { Device } from '../load/device.ts'
import { boardAndSubscribe, cutAll, forEach, makeDevices, spentOn } from './steps.ts'
import type { Work, WorkContext } from './work.ts'

/**
 * With fewer connections, the servers are still being compiled at the first figures, and home looks dearer than it is; with
 * fewer devices, what a node does for one that it never saw is, and elsewhere does.
 */
const WARM_UP = 1_000
const WARM_UP_ROUNDS = 6
const [HOME, ELSEWHERE, AGAIN] = ['at home', 'elsewhere', 'elsewhere again']

export const elsewhere: Work = {
  name: 'elsewhere',
  title: 'Resume on another node',
  figures: [
    { name: 'cpu', unit: 'us', compared: true, about: 'all server processes and Redis, for one connection' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'to home', unit: 'x', about: 'the cost beside that of a device that comes back where it was' },
  ],
  about: ({ connects }) =>
    `${connects} devices, 64 at one time, come back to their sessions. *${HOME}*: to the node (worker) on which they were three times before. *${ELSEWHERE}*: to the other one, which never saw them. *${AGAIN}*: each to the other one once more. A node is chosen by its port; for workers, sockets are opened until the kernel has given the right one enough of them, and what an accepted socket costs is added. Servers of a single process have only *${HOME}*.`,
  fits: ({ name }) => name !== 'bare',
  async run(context) {
    const { target, sizes } = context
    const places = placesOf(target)
    const all = await makeDevices(target, sizes.connects + WARM_UP)
    await forEach(all, boardAndSubscribe)
    await cutAll(target, all)
    const devices = all.slice(0, sizes.connects)
    await warmUp(context, places, all.slice(sizes.connects))
    for (let visit = 0; visit < 2; visit += 1) await comeBack(context, at(places, devices, 0))
    const home = await measure(context, HOME, at(places, devices, 0))
    if (places.length === 1) return
    for (const [move, inCase] of [ELSEWHERE, AGAIN].entries()) {
      const cost = await measure(context, inCase, at(places, devices, move + 1))
      context.record('to home', cost / home, inCase)
    }
  },
}

interface Group {
  readonly place: Place
  readonly visitors: readonly Device[]
}

/** Every device has a home, and moves from there. */
function at(places: readonly Place[], devices: readonly Device[], moves: number): Group[] {
  return places.map((place, own) => {
    const visitors = devices.filter(({ index }) => (index + moves) % places.length === own)
    return { place, visitors }
  })
}

async function warmUp(context: WorkContext, places: readonly Place[], devices: readonly Device[]): Promise<void> {
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await comeBack(context, at(places, devices, round))
}

/** Gives the cost of one, us. */
async function measure(context: WorkContext, inCase: string, groups: readonly Group[]): Promise<number> {
  const { target, record } = context
  const { cpu, redis } = await comeBack(context, groups)
  record('cpu', cpu, inCase)
  if (target.redis !== undefined) record('redis cpu', redis, inCase)
  return cpu
}

/** There and away again; of a connection, us. */
async function comeBack({ target }: WorkContext, groups: readonly Group[]): Promise<{ cpu: number; redis: number }> {
  const visits: { readonly device: Device; readonly socket: Socket | undefined }[] = []
  let tried = 0
  const opening = await spentOn(target, async () => {
    for (const { place, visitors } of groups) {
      const opened = await openAt(place, visitors.length)
      tried += opened.tried
      visits.push(...visitors.map((device, turn) => ({ device, socket: opened.sockets[turn] })))
    }
  })
  const connecting = await spentOn(target, () =>
    forEach(visits, async ({ device, socket }) => {
      if (!(await device.board(socket))) throw new Error(`the session of device ${device.index} was gone`)
    }),
  )
  await cutAll(
    target,
    visits.map(({ device }) => device),
  )
  return {
    cpu: opening.server / tried + connecting.server / visits.length,
    redis: opening.redis / tried + connecting.redis / visits.length,
  }
}
