/**
 * The delivery state of a webhook that another node needs to take over: who delivers, and the batch in flight. It is
 * written before the first attempt, so that every attempt, by any node, sends the same bytes with the same id.
 */
import type { EventMoves } from '../events/event-cursor.ts'
import type { Failure } from './sender.ts'

export const DELIVERIES_TABLE = 'webhook-deliveries'

export interface Batch {
  /** The `webhook-id` of every attempt. */
  readonly id: string
  readonly body: Uint8Array
  /** What to acknowledge when it is delivered. */
  readonly moves: EventMoves
  readonly events: number
  readonly upstream: number
  /** Of the webhook when it was made: a replay since has made it void. */
  readonly place: number
}

export interface LastFailure {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly failure: Failure
  readonly status?: number
}

export interface Delivery {
  /** The node that delivers; '' for none. */
  readonly owner: string
  readonly batch?: Batch
  /** That failed, of this batch, because the webhook was enabled. */
  readonly attempts: number
  /** `enabledAt` of the webhook when they were counted. */
  readonly enabledAt: number
  /** By the wall clock, when the next attempt is made. */
  readonly nextAt: number
  readonly lastFailure?: LastFailure
}

export const NO_DELIVERY: Delivery = { owner: '', attempts: 0, enabledAt: 0, nextAt: 0 }

const VERSION = 1
const HEAD = 5

/** The version (1), the length of what follows as JSON (4), that, and the body of the batch as it is sent. */
export function encodeDelivery({ batch, ...rest }: Delivery): Uint8Array {
  const { body = Buffer.alloc(0), ...batchRest } = batch ?? {}
  const json = Buffer.from(JSON.stringify(batch === undefined ? rest : { ...rest, batch: batchRest }))
  const head = Buffer.alloc(HEAD)
  head.writeUInt8(VERSION, 0)
  head.writeUInt32BE(json.byteLength, 1)
  return Buffer.concat([head, json, body])
}

/** The inverse; undefined for what this version cannot read. */
export function decodeDelivery(bytes: Uint8Array): Delivery | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (all[0] !== VERSION || all.byteLength < HEAD) return undefined
  const end = HEAD + all.readUInt32BE(1)
  try {
    const row: Omit<Delivery, 'batch'> & { batch?: Omit<Batch, 'body'> } = JSON.parse(all.toString('utf8', HEAD, end))
    const { batch, ...rest } = row
    return batch === undefined ? rest : { ...rest, batch: { ...batch, body: Buffer.from(all.subarray(end)) } }
  } catch {
    return undefined
  }
}
