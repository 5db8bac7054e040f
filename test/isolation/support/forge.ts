/** JWTs made by hand, as an attacker makes them: any header, any claims, any key. */
import { createHmac, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Claims = Record<string, unknown>

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Header and claims of a token, without a look at its signature. */
export function open(token: string): { header: Claims; claims: Claims; signature: string } {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const decode = (part: string): Claims => JSON.parse(Buffer.from(part, 'base64url').toString())
  return { header: decode(header), claims: decode(claims), signature }
}

/** A token with this signature. */
export function seal(header: Claims, claims: Claims, signature: string): string {
  return `${encode(header)}.${encode(claims)}.${signature}`
}

/** A token signed by HMAC with any bytes as key. */
export function sign(header: Claims, claims: Claims, key: string | Uint8Array): string {
  const hash = { HS384: 'sha384', HS512: 'sha512' }[String(header['alg'])] ?? 'sha256'
  const signed = `${encode(header)}.${encode(claims)}`
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`
}

/** The signing key of a server, from its data directory, as only its operator can read it. */
export function operatorKey(dataDir: string, algorithm: string): { secret?: Buffer; privateKey?: string } {
  const file = JSON.parse(readFileSync(join(dataDir, 'keys', `signing-key-${algorithm}.json`), 'utf8'))
  const [key] = file.keys
  return {
    ...(key.secret === undefined ? {} : { secret: Buffer.from(key.secret, 'base64url') }),
    ...(key.privateKey === undefined ? {} : { privateKey: key.privateKey }),
  }
}

/** Every way in which a library could have taken a public key for a secret. */
export function publicKeyForms(privateKey: string): Record<string, Uint8Array | string> {
  const key: KeyObject = createPublicKey(privateKey)
  const spki = key.export({ type: 'spki', format: 'pem' }).toString()
  return {
    'SPKI PEM': spki,
    'SPKI PEM without the last line end': spki.trimEnd(),
    'SPKI DER': key.export({ type: 'spki', format: 'der' }),
    'PKCS#1 PEM': key.export({ type: 'pkcs1', format: 'pem' }).toString(),
    'PKCS#1 DER': key.export({ type: 'pkcs1', format: 'der' }),
  }
}
