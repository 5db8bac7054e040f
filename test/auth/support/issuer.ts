/** An identity provider of the tests: keys and tokens by `jose`, which has nothing to do with how they are verified here. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import type { Test } from 'tap'
import { type Auth, type AuthOptions } from '../../../auth/index.ts'
import { PushError, type ErrorCode } from '../../../errors.ts'
import { NOW, testAuth, type Json } from './auth.ts'

export const ISSUER = 'https://id.example.com/'
export const AUDIENCE = 'https://push.example.com'

export interface IssuerTestKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: JWK
  readonly pem: string
}

export async function issuerKey(alg: string, kid = `key-${alg}`): Promise<IssuerTestKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { alg, kid, privateKey, publicKey, jwk, pem: await exportSPKI(publicKey) }
}

export const keySet = (...keys: readonly IssuerTestKey[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

/** A token that holds, but for what is changed; `undefined` leaves a claim out. */
export function signedBy(key: IssuerTestKey, claims: Json = {}, header: Json = {}): Promise<string> {
  const all = { iss: ISSUER, aud: AUDIENCE, sub: 'ann', azp: 'chat', iat: NOW / 1000, exp: NOW / 1000 + 300, ...claims }
  return new SignJWT(all).setProtectedHeader({ alg: key.alg, typ: 'JWT', kid: key.kid, ...header }).sign(key.privateKey)
}

export const entryOf = (fields: Json = {}): Json => ({
  issuer: ISSUER,
  keysFile: 'keys.json',
  audience: AUDIENCE,
  algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'],
  claims: { account: 'sub', app: 'azp' },
  apps: ['chat', 'mail'],
  ...fields,
})

export interface IssuerFiles {
  readonly path: string
  /** Into the directory of the file. */
  write(name: string, text: string): Promise<void>
  entries(...entries: readonly unknown[]): Promise<void>
}

export async function issuerFiles(t: Test): Promise<IssuerFiles> {
  const directory = await mkdtemp(join(tmpdir(), 'issuers-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const write = (name: string, text: string) => writeFile(join(directory, name), text)
  return {
    path: join(directory, 'issuers.json'),
    write,
    entries: (...entries) => write('issuers.json', JSON.stringify(entries)),
  }
}

/** Auth with one issuer, whose keys are in a file. */
export async function authWith(
  t: Test,
  keys: readonly IssuerTestKey[],
  fields: Json = {},
  options: Partial<AuthOptions> = {},
): Promise<Auth> {
  const files = await issuerFiles(t)
  await files.write('keys.json', keySet(...keys))
  await files.entries(entryOf(fields))
  return await authOf(t, files, options)
}

export async function authOf(t: Test, files: IssuerFiles, options: Partial<AuthOptions> = {}): Promise<Auth> {
  const auth = await testAuth({ issuersFile: files.path, ...options })
  t.teardown(() => auth.close())
  return auth
}

/** The token is refused with this code, and the error does not quote it. */
export async function refusesIdentity(
  t: Test,
  auth: Auth,
  token: string,
  code: ErrorCode,
  what: string,
): Promise<void> {
  const thrown = await auth.identity(token).then(
    (identity) => identity,
    (error: unknown) => error,
  )
  if (!(thrown instanceof PushError)) {
    t.fail(`${what}: ${thrown instanceof Error ? thrown.stack : JSON.stringify(thrown)}`)
    return
  }
  t.equal(thrown.code, code, `${what}: ${thrown.message}`)
  const said = `${thrown.stack} ${JSON.stringify(thrown)}`
  t.notOk(
    token.split('.').some((part) => part.length > 8 && said.includes(part)),
    `${what}: the error does not quote the token`,
  )
}

export interface KeyServer {
  readonly uri: string
  /** How often it was asked. */
  readonly asked: () => number
  answer: (request: IncomingMessage, response: ServerResponse) => void
}

export async function keyServer(t: Test, answer: KeyServer['answer']): Promise<KeyServer> {
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    served.answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const served: KeyServer = {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    asked: () => asked,
    answer,
  }
  return served
}

export const serving =
  (text: string): KeyServer['answer'] =>
  (_request, response) =>
    void response.end(text)
