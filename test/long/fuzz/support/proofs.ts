/** What the HTTP fuzzer proves accounts with, and the keys that it has beside that of its provider. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { issuerKey, keySet, signedBy } from '../../../auth/support/issuer.ts'
import { makeKey, request, type ServerProcess, UnexpectedAnswer } from '../../../support/index.ts'
import { type Proofs, PREFIX } from './token-requests.ts'

const ISSUER = 'https://id.example.com'
const AUDIENCE = 'https://push.example.com'
const DAY = 86_400

/** Writes the file of identity providers; the JWT comes from there. */
export async function identityProvider(folder: string, app: string): Promise<{ file: string; identity: string }> {
  const key = await issuerKey('ES256')
  const file = join(folder, 'issuers.json')
  writeFileSync(join(folder, 'keys.json'), keySet(key))
  const entry = {
    issuer: ISSUER,
    audience: AUDIENCE,
    keysFile: 'keys.json',
    algorithms: ['ES256'],
    claims: { account: 'sub', tags: 'groups' },
    apps: [app],
    accountPrefix: PREFIX,
  }
  writeFileSync(file, JSON.stringify([entry]))
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'ann', groups: ['a'], iat, exp: iat + DAY }
  return { file, identity: await signedBy(key, claims) }
}

export async function makeProofs(
  server: ServerProcess,
  { app, spareApp, identity }: { readonly app: string; readonly spareApp: string; readonly identity: string },
): Promise<Proofs> {
  const answer = await request(server, 'POST', '/v1/enrolments', { body: { app, account: 'zoe', ttl: DAY } })
  if (answer.status !== 201) throw new UnexpectedAnswer('POST /v1/enrolments', answer)
  const admin = await makeKey(server, { name: 'admin', apps: [app], scopes: ['keys:admin', 'messages:send'] })
  const operator = await makeKey(server, { name: 'operator', scopes: ['keys:admin'] })
  const changed = await makeKey(server, { name: 'changed', apps: [app], scopes: ['messages:send'] })
  return {
    identity,
    code: answer.body.code,
    codeId: answer.body.id,
    adminKey: admin.key,
    operatorKey: operator.key,
    keyId: changed.id,
    spareApp,
  }
}
