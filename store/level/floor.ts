/** The floor above all offsets and epochs of forgotten names, so that none is assigned twice when a name comes back. */
import { ValueReader, ValueWriter } from './bytes.ts'
import { metaKey } from './keys.ts'

interface Floor {
  readonly generation: number
  readonly epoch: number
  readonly offset: number
}

/** A transaction as this file sees it. */
interface FloorTransaction {
  get(key: Buffer): Buffer | undefined
  put(key: Buffer, value: Buffer): void
}

const FLOOR_KEY = metaKey('floor')
const NUMBER_BYTES = 8

export function floorOf(transaction: FloorTransaction): Floor {
  const bytes = transaction.get(FLOOR_KEY)
  if (bytes === undefined) return { generation: 0, epoch: 0, offset: 0 }
  const from = new ValueReader(bytes)
  return { generation: from.number(), epoch: from.number(), offset: from.number() }
}

export function raiseFloor(transaction: FloorTransaction, least: Partial<Floor>): void {
  const before = floorOf(transaction)
  const generation = Math.max(before.generation, least.generation ?? 0)
  const epoch = Math.max(before.epoch, least.epoch ?? 0)
  const offset = Math.max(before.offset, least.offset ?? 0)
  if (generation === before.generation && epoch === before.epoch && offset === before.offset) return
  transaction.put(FLOOR_KEY, new ValueWriter(3 * NUMBER_BYTES).number(generation).number(epoch).number(offset).done())
}
