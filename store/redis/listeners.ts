/**
 * Apps whose upstream logs this node listens to. Redis keeps the nodes that listen in each part; all apps of this node are
 * renewed with one step a part.
 */
import { PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import { Leases } from './leases.ts'
import { LISTEN } from './steps.ts'

const LASTS_MS = 60 * 1000
const RENEWED_MS = 20 * 1000

interface ListenersOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly now: () => number
}

export type Listeners = Leases<string>

export function createListeners({ lanes, prefix, now }: ListenersOptions): Listeners {
  return new Leases<string>({
    now,
    lastsMs: LASTS_MS,
    renewedMs: RENEWED_MS,
    write: (apps, until) =>
      Promise.all(
        Array.from({ length: PARTITIONS }, (_, part) => lanes.run(LISTEN, partitionBase(prefix, part), until, ...apps)),
      ),
  })
}
