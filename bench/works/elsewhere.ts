/** What it costs that a device comes back on another node, or another worker, than the one that it left. */
import type { Socket } from 'node:net'
import type { Device } from '../load/device.ts'
import { openAt, type Place, placesOf } from '../run/places.ts'
import { boardAndSubscribe, cutAll, forEach, makeDevices, spentOn } from './steps.ts'
import type { Work, WorkContext } from './work.ts'

/**
 * So many groups of devices that no node has seen: with one, what the compiler and the collector did at that moment was most of
 * the figure. A group is small enough for what a node remembers of devices to hold all of it.
 */
const GROUPS = 8
/** Also of devices that their node never saw, until a node does not get faster any more. */
const WARM_UP_GROUPS = 4
const [HOME, ELSEWHERE, AGAIN] = ['at home', 'elsewhere', 'elsewhere again'] as const
type Visit = typeof HOME | typeof ELSEWHERE | typeof AGAIN

interface Moved {
  readonly visit: Visit
  /** From the node on which they were first; with two, an even number is home. */
  readonly moves: number
}

/** Every second group is at home last, so that neither has the warmer servers. */
const ORDERS: readonly (readonly Moved[])[] = [
  [
    { visit: HOME, moves: 0 },
    { visit: ELSEWHERE, moves: 1 },
    { visit: AGAIN, moves: 2 },
  ],
  [
    { visit: ELSEWHERE, moves: 1 },
    { visit: AGAIN, moves: 2 },
    { visit: HOME, moves: 2 },
  ],
]

export const elsewhere: Work = {
  name: 'elsewhere',
  title: 'Resume on another node',
  figures: [
    { name: 'cpu', unit: 'us', compared: true, about: 'all server processes and Redis, for one connection' },
    { name: 'redis cpu', unit: 'us', about: 'the part of Redis in it' },
    { name: 'to home', unit: 'x', about: 'the cost beside that of a device that comes back where it was' },
  ],
  about: ({ connects }) =>
    `${GROUPS} groups of ${connects} devices, 64 at one time, come back to their sessions. *${HOME}*: to the node (worker) on which they were three times before. *${ELSEWHERE}*: to the other one, which never saw them nor their tokens. *${AGAIN}*: each to the other one once more. Half of the groups are measured at home first, the others last, and ${WARM_UP_GROUPS} groups before them warm all nodes up in the same way. A node is chosen by its port; for workers, sockets are opened until the kernel has given the right one enough of them, and what an accepted socket costs is added. Servers of a single process have only *${HOME}*.`,
  fits: ({ name }) => name !== 'bare',
  async run(context) {
    const places = placesOf(context.target)
    for (let group = 0; group < WARM_UP_GROUPS; group += 1) await measureGroup(context, places, group, new Costs())
    const costs = new Costs()
    for (let group = 0; group < GROUPS; group += 1) await measureGroup(context, places, WARM_UP_GROUPS + group, costs)
    costs.record(context)
  },
}

/** Of all groups. */
class Costs {
  readonly #spent = new Map<Visit, { visits: number; cpu: number; redis: number }>()

  add(visit: Visit, visits: number, { cpu, redis }: Cost): void {
    const before = this.#spent.get(visit) ?? { visits: 0, cpu: 0, redis: 0 }
    this.#spent.set(visit, {
      visits: before.visits + visits,
      cpu: before.cpu + cpu * visits,
      redis: before.redis + redis * visits,
    })
  }

  record({ target, record }: WorkContext): void {
    const home = this.#spent.get(HOME)
    for (const [visit, { visits, cpu, redis }] of this.#spent) {
      record('cpu', cpu / visits, visit)
      if (target.redis !== undefined) record('redis cpu', redis / visits, visit)
      if (visit !== HOME && home !== undefined) record('to home', cpu / visits / (home.cpu / home.visits), visit)
    }
  }
}

async function measureGroup(context: WorkContext, places: readonly Place[], group: number, costs: Costs) {
  const { target, sizes } = context
  const devices = await makeDevices(target, sizes.connects, group * sizes.connects)
  const first = at(places, devices, 0)
  await comeBack(context, first, boardAndSubscribe)
  for (let visit = 0; visit < 2; visit += 1) await comeBack(context, first, resumeOne)
  const order = (ORDERS[group % ORDERS.length] ?? []).filter(({ visit }) => visit === HOME || places.length > 1)
  for (const { visit, moves } of order)
    costs.add(visit, devices.length, await comeBack(context, at(places, devices, moves), resumeOne))
}

interface Visitors {
  readonly place: Place
  readonly devices: readonly Device[]
}

/** Every device has a home, and moves from there. */
function at(places: readonly Place[], devices: readonly Device[], moves: number): Visitors[] {
  return places.map((place, own) => ({
    place,
    devices: devices.filter(({ index }) => (index + moves) % places.length === own),
  }))
}

async function resumeOne(device: Device, socket: Socket | undefined): Promise<void> {
  if (!(await device.board(socket))) throw new Error(`the session of device ${device.index} was gone`)
}

interface Cost {
  readonly cpu: number
  readonly redis: number
}

/** There and away again; of a connection, us. */
async function comeBack(
  { target }: WorkContext,
  groups: readonly Visitors[],
  connect: (device: Device, socket: Socket | undefined) => Promise<void>,
): Promise<Cost> {
  const visits: { readonly device: Device; readonly socket: Socket | undefined }[] = []
  let tried = 0
  const opening = await spentOn(target, async () => {
    for (const { place, devices } of groups) {
      const opened = await openAt(place, devices.length)
      tried += opened.tried
      visits.push(...devices.map((device, turn) => ({ device, socket: opened.sockets[turn] })))
    }
  })
  const connecting = await spentOn(target, () => forEach(visits, ({ device, socket }) => connect(device, socket)))
  await cutAll(
    target,
    visits.map(({ device }) => device),
  )
  return {
    cpu: opening.server / tried + connecting.server / visits.length,
    redis: opening.redis / tried + connecting.redis / visits.length,
  }
}
