/** Which key an algorithm takes (RFC 7518 section 3, RFC 8037 section 3.1). */
import type { KeyObject } from 'node:crypto'

export const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
export type AsymmetricAlgorithm = (typeof ASYMMETRIC_ALGORITHMS)[number]

const RSA_BITS = 2048
const ED25519 = 'an Ed25519 key'
const RSA = `an RSA key of at least ${RSA_BITS} bits`
const CURVES: ReadonlyMap<AsymmetricAlgorithm, { readonly openssl: string; readonly name: string }> = new Map([
  ['ES256', { openssl: 'prime256v1', name: 'P-256' }],
  ['ES384', { openssl: 'secp384r1', name: 'P-384' }],
  ['ES512', { openssl: 'secp521r1', name: 'P-521' }],
])

export function fits(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
  algorithm: AsymmetricAlgorithm,
): boolean {
  if (algorithm === 'EdDSA') return type === 'ed25519'
  const curve = CURVES.get(algorithm)
  if (curve !== undefined) return type === 'ec' && details?.namedCurve === curve.openssl
  return type === 'rsa' && (details?.modulusLength ?? 0) >= RSA_BITS
}

/** For an error, after "must be". */
export function requirementOf(algorithm: AsymmetricAlgorithm): string {
  const curve = CURVES.get(algorithm)
  if (curve !== undefined) return `an EC key on curve ${curve.name}`
  return algorithm === 'EdDSA' ? ED25519 : RSA
}
