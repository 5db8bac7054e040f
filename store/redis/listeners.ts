/**
 * Apps whose upstream logs this node listens to. Redis keeps the nodes that listen in each part; all apps of this node are
 * renewed with one step a part.
 */
import { groupOfLog, type TokenId } from '../contract.ts'
import { PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import { Leases } from './leases.ts'
import { LISTEN } from './steps.ts'
import { type Location, partitionOf } from './token.ts'

/** A node that died is told in vain for so long; a renewal writes every part of every log that is listened to. */
const LASTS_MS = 300 * 1000
const RENEWED_MS = 100 * 1000

interface ListenersOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly now: () => number
  /** Of a token id, or a group. */
  readonly locate: (tokenId: TokenId) => Location
}

export type Listeners = Leases<string>

export function createListeners({ lanes, prefix, now, locate }: ListenersOptions): Listeners {
  return new Leases<string>({
    now,
    lastsMs: LASTS_MS,
    renewedMs: RENEWED_MS,
    write: (logs, until) =>
      Promise.all(
        logsByPart(logs, locate).map(async (ofPart, part) => {
          if (ofPart.length > 0) await lanes.run(LISTEN, partitionBase(prefix, part), until, ...ofPart)
        }),
      ),
  })
}

/** The log of a group has a single part. */
function logsByPart(logs: readonly string[], locate: ListenersOptions['locate']): string[][] {
  const everywhere = logs.filter((log) => groupOfLog(log) === undefined)
  const byPart = Array.from({ length: PARTITIONS }, () => [...everywhere])
  for (const log of logs) {
    const group = groupOfLog(log)
    if (group !== undefined) byPart[partitionOf(locate(group).id)]?.push(log)
  }
  return byPart
}
