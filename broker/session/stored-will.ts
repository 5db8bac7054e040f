/** A will as it is kept with a session in the store. */
import type { Will } from '../codec/packets.ts'

interface StoredWill<Of> {
  readonly v: 1
  /** Who publishes it. */
  readonly of: Of
  readonly will: Omit<Will, 'payload'>
  readonly payload: string
  readonly correlationData?: string
}

export function encodeWill<Of>(of: Of, { payload, ...will }: Will): Uint8Array {
  const { correlationData, ...properties } = will.properties ?? {}
  const stored: StoredWill<Of> = {
    v: 1,
    of,
    will: { ...will, properties },
    payload: payload.toString('base64'),
    ...(correlationData === undefined ? {} : { correlationData: correlationData.toString('base64') }),
  }
  return Buffer.from(JSON.stringify(stored))
}

/** The inverse. @throws for a form that this version does not know: a node of a later version publishes it */
export function decodeWill<Of>(value: Uint8Array): { readonly of: Of; readonly will: Will } {
  const { v, of, will, payload, correlationData } = JSON.parse(Buffer.from(value).toString('utf8')) as StoredWill<Of>
  if (v !== 1) throw new Error(`a will of version ${String(v)}`)
  const kept = correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData, 'base64') }
  return {
    of,
    will: { ...will, payload: Buffer.from(payload, 'base64'), properties: { ...will.properties, ...kept } },
  }
}
