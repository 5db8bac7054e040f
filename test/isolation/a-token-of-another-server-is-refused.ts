// Is a token that another server, or another issuer with the same key, has signed worth anything here?
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { t } from '../support/tap.ts'
import { connectDevice, issueToken, request, send, startServer, temporaryFolder } from '../support/index.ts'
import { open, sign } from './support/forge.ts'
import { ANN, getsItsOwn, join, NEIGHBOURS } from './support/people.ts'
import { INVALID, tokenIsRefused } from './support/refused.ts'

const keysFile = joinPath(temporaryFolder(t), 'keys.json')
const secret = randomBytes(32)
writeFileSync(
  keysFile,
  JSON.stringify({
    version: 1,
    tokenIdKey: randomBytes(32).toString('base64url'),
    keys: [{ kid: 'shared', alg: 'HS256', secret: secret.toString('base64url') }],
  }),
  { mode: 0o600 },
)
const server = await startServer(t, { settings: { PUSH_KEYS_FILE: keysFile } })
const ann = await join(t, server, ANN)

await t.test('of another installation', async (t) => {
  const other = await startServer(t)
  const foreign = await issueToken(other, ANN)
  t.not(foreign.tokenId, ann.issued.tokenId, 'another key gives other token ids')
  await tokenIsRefused(t, server, foreign.token, INVALID, "another server's token")
  await tokenIsRefused(t, other, ann.issued.token, INVALID, 'and the other way round')
  await getsItsOwn(t, server, ann)
  // Its key does not help under the name of ours.
  const { header, claims } = open(foreign.token)
  await tokenIsRefused(
    t,
    server,
    sign({ ...header, kid: 'shared' }, { ...claims, sub: ann.issued.tokenId }, randomBytes(32)),
    INVALID,
    'signed by a stranger under our key id',
  )
  await getsItsOwn(t, server, ann)
})

await t.test('of another issuer or audience that shares the key', async (t) => {
  const { header, claims } = open(ann.issued.token)
  t.equal(sign(header, claims, secret), ann.issued.token, 'the test signs as the server does')
  for (const [what, changed] of Object.entries({
    'another issuer': { iss: 'somebody-else' },
    'no issuer': { iss: undefined },
    'an empty issuer': { iss: '' },
    'a list of issuers': { iss: ['aedes-push'] },
    'another audience': { aud: 'somebody-else' },
    'no audience': { aud: undefined },
    'a list with our audience': { aud: ['aedes-push', 'somebody-else'] },
  })) {
    await tokenIsRefused(t, server, sign(header, { ...claims, ...changed }, secret), INVALID, what)
  }
  const another = await startServer(t, {
    settings: { PUSH_KEYS_FILE: keysFile, PUSH_TOKEN_ISSUER: 'another-issuer' },
  })
  const foreign = await issueToken(another, ANN)
  t.equal(foreign.tokenId, ann.issued.tokenId, 'the same key, so the same token id')
  await tokenIsRefused(t, server, foreign.token, INVALID, "another issuer's token")
  await getsItsOwn(t, server, ann)
})

await t.test('a right token of the same key that was registered elsewhere', async (t) => {
  // The same keys without a shared registry: the token id is unknown here.
  const another = await startServer(t, { settings: { PUSH_KEYS_FILE: keysFile } })
  const elsewhere = await issueToken(another, NEIGHBOURS['another device'])
  await t.rejects(connectDevice(t, server, elsewhere), { code: 0x87 })
  await t.rejects(connectDevice(t, server, elsewhere, { protocolVersion: 4 }), { code: 5 })
  t.match(await request(server, 'GET', '/v1/messages', { bearer: elsewhere.token }), {
    status: 404,
    body: { code: 'TOKEN_UNKNOWN' },
  })
  t.match(await send(server, { token: elsewhere.token }, 'to nobody'), {
    accepted: 0,
    rejected: [{ code: 'TOKEN_UNKNOWN' }],
  })
  await getsItsOwn(t, server, ann)
})
