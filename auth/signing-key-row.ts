/** A signing key as the store keeps it. */
import { isRecord } from './fields.ts'
import { ALGORITHMS, keyMaterial, parseKey } from './keys.ts'
import type { SigningKey } from './live-ring.ts'

const VERSION = 1

/** The version (1), and JSON: what a key file has of a key, unless it is retired, and its times. */
export function encodeSigningKey({ algorithm, key, createdAt, signsFrom, retiredAt }: SigningKey): Uint8Array {
  const row = {
    alg: algorithm,
    ...(key === undefined ? {} : keyMaterial(key)),
    createdAt,
    signsFrom,
    ...(retiredAt === undefined ? {} : { retiredAt }),
  }
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(JSON.stringify(row))])
}

/** The inverse; undefined for what this version cannot read, which is no key here. */
export function decodeSigningKey(kid: string, bytes: Uint8Array): SigningKey | undefined {
  if (bytes[0] !== VERSION) return undefined
  try {
    const row: unknown = JSON.parse(Buffer.from(bytes.subarray(1)).toString('utf8'))
    return isRecord(row) ? keyOf(kid, row) : undefined
  } catch {
    // Damaged; the caller reports it. The error message may quote the key.
    return undefined
  }
}

function keyOf(kid: string, row: Record<string, unknown>): SigningKey | undefined {
  const { alg, createdAt, signsFrom, retiredAt, ...material } = row
  const algorithm = ALGORITHMS.find((known) => known === alg)
  if (algorithm === undefined || !isTime(createdAt) || !isTime(signsFrom)) return undefined
  const times = { createdAt, signsFrom }
  if (retiredAt !== undefined) return isTime(retiredAt) ? { kid, algorithm, ...times, retiredAt } : undefined
  return { kid, algorithm, key: parseKey({ ...material, kid, alg }, 'the row'), ...times }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
