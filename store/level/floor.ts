/** Above everything that was given to what is forgotten: nothing is given twice when it comes back. */
import { metaKey } from './keys.ts'
import { decodeFloor, encodeFloor, type Floor } from './records.ts'
import type { Transaction } from './transaction.ts'

const FLOOR_KEY = metaKey('floor')

export function floorOf(transaction: Transaction): Floor {
  return decodeFloor(transaction.get(FLOOR_KEY))
}

export function raiseFloor(transaction: Transaction, given: Partial<Floor>): void {
  const floor = floorOf(transaction)
  const raised = {
    generation: Math.max(floor.generation, given.generation ?? 0),
    epoch: Math.max(floor.epoch, given.epoch ?? 0),
    offset: Math.max(floor.offset, given.offset ?? 0),
  }
  transaction.put(FLOOR_KEY, encodeFloor(raised))
}
