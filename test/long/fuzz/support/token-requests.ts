/** Well-formed requests about tokens, accounts and keys, for the HTTP fuzzer to start from. */
import type { SeededRandom } from '../../../support/random.ts'
import type { Call, Cast } from './requests.ts'

/** What devices have to prove an account with, and keys that may do what the provider of the lanes may not. */
export interface Proofs {
  /** A JWT of an identity provider. */
  readonly identity: string
  readonly code: string
  readonly codeId: string
  /** Makes keys for the app of the lanes. */
  readonly adminKey: string
  /** Of every app, for signing keys alone. */
  readonly operatorKey: string
  /** A key that the first one may change. */
  readonly keyId: string
  /** An app of nobody else, whose tokens are all revoked now and then. */
  readonly spareApp: string
}

/** Before an account that is asked for by a JWT of the identity provider. */
export const PREFIX = 'idp:'

const UNKNOWN_ID = 'A'.repeat(22)
const DATES = ['2030-01-31T12:00:00.000Z', '2026-12-31', '1970-01-01T00:00:00Z', '+275760-09-13T00:00:00.000Z', 'never']
const CURSORS = [
  '',
  '&cursor=',
  '&cursor=AAAA',
  '&cursor=X19wcm90b19f',
  '&cursor=MS45OTk5OTk5OTk5OTk5LmE',
  '&cursor=LTE',
]
const LIMITS = ['', '&limit=1', '&limit=1000', '&limit=0', '&limit=1001']
const NAMES = ['ann', 'bob äß語', '', '__proto__', 'constructor', 'toString', 'x'.repeat(128)]

export const TOKEN_CALLS: readonly ((random: SeededRandom, cast: Cast) => Call)[] = [
  asDevice,
  asDevice,
  asDevice,
  asProvider,
  asProvider,
  (random, { app, providerKey }) => [
    'POST',
    '/v1/enrolments',
    providerKey,
    {
      app,
      ...random.pick([{}, { account: random.pick(NAMES) }]),
      ...random.pick([{}, { device: `other-${random.between(0, 9)}` }]),
      ...random.pick([{}, { tags: ['a', 'b'] }, { tags: [] }]),
      ...random.pick([{}, { ttl: 1 }, { ttl: 86_400 }]),
      ...random.pick([{}, { takeOver: true }]),
    },
  ],
  (random, { app, providerKey }) => [
    'GET',
    `/v1/enrolments?${random.pick(['', `app=${app}`, 'app=healthy'])}${random.pick(LIMITS)}${random.pick(CURSORS)}`,
    providerKey,
  ],
  (random, { providerKey, proofs }) => [
    'DELETE',
    `/v1/enrolments/${random.pick([UNKNOWN_ID, `${proofs.codeId}x`, 'x'.repeat(43)])}`,
    providerKey,
  ],
  (random, { app, providerKey }) => [
    'GET',
    `/v1/tokens?app=${app}${random.pick(['', '&account=ann', '&account=__proto__'])}${random.pick(LIMITS)}${random.pick(CURSORS)}`,
    providerKey,
  ],
  (random, { revoked }) => [
    'DELETE',
    `/v1/tokens/current${random.pick(['', '?purge=true', '?purge=x'])}`,
    revoked.token,
  ],
  (random, { providerKey, proofs }) => [
    'POST',
    '/v1/tokens/revoke',
    providerKey,
    { app: proofs.spareApp, ...random.pick([{}, { account: 'ann' }, { account: '__proto__' }]) },
  ],
  (random, { app, providerKey }) => [
    'POST',
    '/v1/messages',
    providerKey,
    {
      to: random.pick<object>([
        { app, account: random.pick(NAMES) },
        { app, versions: '*', tags: { any: ['a'], all: ['b'], none: ['__proto__'] } },
        { app, version: '1.0', tags: { none: ['x'] } },
      ]),
      payload: 'fuzz',
      ttl: 1,
    },
  ],
  aboutKeys,
  aboutKeys,
  (random, { proofs }) => ['GET', random.pick(['/v1/signing-keys', '/.well-known/jwks.json']), proofs.operatorKey],
  (random, { proofs }) => ['POST', '/v1/signing-keys/rotate', proofs.adminKey, random.pick([{}, { now: true }])],
  (random, { proofs }) => [
    'POST',
    `/v1/signing-keys/${random.pick(['x', '__proto__', UNKNOWN_ID])}/retire`,
    proofs.operatorKey,
    {},
  ],
]

/** With its token, an identity, or a code. */
function asDevice(random: SeededRandom, { app, device, revoked, proofs }: Cast): Call {
  const named = random.pick([{}, { device: `other-${random.between(0, 9)}` }, { device: '__proto__' }])
  const more = {
    ...random.pick([{}, {}, { version: '1.0' }, { version: '__proto__' }]),
    ...random.pick([{}, { ttl: 60 }, { ttl: 1 }]),
  }
  const holder = random.pick([{}, { holderToken: device.token }, { holderToken: revoked.token }, { holderToken: 'x' }])
  return random.pick<Call>([
    // What it renews stays its own.
    ['POST', '/v1/tokens', device.token, { app, version: '1.0', ttl: 86_400 }],
    ['POST', '/v1/tokens', revoked.token, { app, ...more }],
    ['POST', '/v1/tokens', proofs.identity, { app, ...named, ...more, ...holder }],
    ['POST', '/v1/tokens', proofs.identity, { app, account: `${PREFIX}ann`, ...named, ...more }],
    ['POST', '/v1/tokens', proofs.code, { app, ...named, ...more, ...holder }],
    ['POST', '/v1/tokens', `enrol_${UNKNOWN_ID}`, { app, ...named }],
  ])
}

function asProvider(random: SeededRandom, { app, providerKey }: Cast): Call {
  const content = {
    app,
    device: random.pick(['__proto__', 'constructor', `other-${random.between(0, 9)}`]),
    account: random.pick(NAMES),
    ...random.pick([{}, { tags: ['a', 'b'] }, { tags: ['__proto__', 'ä'] }, { tags: Array(17).fill('x') }]),
    ...random.pick([{}, { renewUntil: random.pick(DATES) }]),
    ...random.pick([{}, { ttl: 1 }, { ttl: 34_560_000 }]),
  }
  return ['POST', '/v1/tokens', providerKey, content]
}

function aboutKeys(random: SeededRandom, { app, proofs }: Cast): Call {
  const { adminKey, keyId } = proofs
  const id = random.pick([keyId, keyId, 'A'.repeat(12), '__proto__', '%00'])
  const fields = {
    ...random.pick([{}, { name: random.pick(['spare', 'provider', '__proto__', '$x']) }]),
    ...random.pick([{}, { apps: [app] }, { apps: '*' }, { apps: ['healthy'] }, { apps: ['__proto__'] }]),
    ...random.pick([{}, { scopes: ['messages:send'] }, { scopes: ['constructor'] }, { scopes: [] }]),
    ...random.pick([{}, { expiresIn: 60 }, { expiresAt: null }, { expiresAt: random.pick(DATES) }]),
    ...random.pick([
      {},
      { quotas: null },
      { quotas: { receivers: { count: 1, seconds: 1 } } },
      {
        quotas: {
          receivers: [
            { count: 1e12, seconds: 1 },
            { count: 1, seconds: 31_622_400 },
          ],
        },
      },
    ]),
  }
  return random.pick<Call>([
    ['GET', `/v1/keys?x${random.pick(LIMITS)}${random.pick(CURSORS)}`.replace('x&', '').replace('?x', ''), adminKey],
    ['GET', `/v1/keys/${id}`, adminKey],
    ['POST', '/v1/keys', adminKey, { name: 'spare', apps: [app], scopes: ['messages:send'], ...fields }],
    ['PATCH', `/v1/keys/${id}`, adminKey, fields],
    ['POST', `/v1/keys/${id}/rotate`, adminKey, random.pick([{}, { overlap: 0 }, { overlap: 2_592_000 }])],
    ['DELETE', `/v1/keys/${random.pick(['A'.repeat(12), '__proto__', `${keyId}x`])}`, adminKey],
  ])
}
