/** What the tests of auth share: a clock that stands still, secrets in memory, and a forger with the keys it is given. */
import { createHmac, sign as signBytes, type KeyLike } from 'node:crypto'
import type { Test } from 'tap'
import { openAuth, type Auth, type AuthOptions, type Secrets } from '../../../auth/index.ts'
import { PushError, type ErrorCode } from '../../../errors.ts'
import type { Grant } from '../../../auth/index.ts'

export const NOW = Date.UTC(2030, 0, 1)
export const GRANT: Grant = { app: 'com.example.app', device: 'phone', account: 'alice', ttl: 3_600, generation: 1 }

/** Secrets in memory, and what they are. */
export function memorySecrets(
  contents = new Map<string, string>(),
): Secrets & { readonly contents: Map<string, string> } {
  return {
    contents,
    async secret(name, create) {
      const text = contents.get(name) ?? create()
      contents.set(name, text)
      return text
    },
  }
}

export function testAuth(options: Partial<AuthOptions> = {}): Promise<Auth> {
  return openAuth({ secrets: memorySecrets(), providers: [], now: () => NOW, ...options })
}

export type Json = Record<string, unknown>

export const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

export function decode(token: string): { header: Json; claims: Json; signature: string } {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Json
  return { header: parse(header), claims: parse(claims), signature }
}

/** A JWT made by hand. */
export function forge(header: Json, claims: unknown, sign: (input: string) => string): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${sign(input)}`
}

export const hmac = (secret: string | Uint8Array) => (input: string) =>
  createHmac('sha256', secret).update(input).digest('base64url')

/** Signs as ES256 and RS256 (`sha256`) or EdDSA (`null`) do. */
export const withKey = (key: KeyLike, hash: 'sha256' | null) => (input: string) =>
  signBytes(hash, Buffer.from(input), { key: key as never, dsaEncoding: 'ieee-p1363' }).toString('base64url')

/** The only key of a set of secrets, as the key file holds it. */
export function onlyKey(secrets: { contents: Map<string, string> }, algorithm: string): Json {
  const file = JSON.parse(secrets.contents.get(`signing-key-${algorithm}.json`) ?? '{}') as { keys: Json[] }
  return file.keys[0] ?? {}
}

/** The secret of the HS256 key. */
export function secretOf(secrets: { contents: Map<string, string> }): Buffer {
  return Buffer.from(String(onlyKey(secrets, 'HS256')['secret']), 'base64url')
}

/** The token is refused with this code, and neither the error nor its log line quotes it. */
export function refuses(t: Test, auth: Auth, token: string, code: ErrorCode, what: string): void {
  let thrown: unknown
  try {
    auth.verify(token)
  } catch (error) {
    thrown = error
  }
  if (!(thrown instanceof PushError)) {
    t.fail(`${what}: ${thrown instanceof Error ? thrown.stack : 'accepted'}`)
    return
  }
  t.equal(thrown.code, code, what)
  t.equal(thrown.cause, undefined, `${what}: no cause that could hold a part of the token`)
  const parts = token.split('.').filter((part) => part.length > 8)
  const said = `${thrown.stack} ${JSON.stringify(thrown)}`
  t.ok(!parts.some((part) => said.includes(part)), `${what}: the error does not quote the token`)
}
