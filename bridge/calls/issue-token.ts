/** Issues a message token for one (app, device, account): the call behind `POST /v1/tokens`. */
import { randomBytes } from 'node:crypto'
import type { Auth } from '../../auth/contract.ts'
import { parseVapidKey } from '../../auth/index.ts'
import type { Audit } from '../../common/audit.ts'
import type { RateByKey } from '../../common/rates.ts'
import { PushError } from '../../errors.ts'
import type { DeviceHeld, RegisteredToken, Registering, Store, TokenRegistration } from '../../store/contract.ts'
import type { Revocations } from '../../store/revocations.ts'
import { broadcastTopic, deviceMark, privateTopic, type Epochs } from '../../topics/index.ts'
import type { TokenLimits } from '../limits.ts'
import type { LongPolls } from '../long-polls.ts'
import { NAME, tagsSchema } from '../schemas.ts'
import type { Endpoints } from '../web-push/capabilities.ts'
import type { Accounts } from './accounts.ts'
import type { Enrolments } from './enrolments.ts'
import type { TokenEvents } from './token-events.ts'
import { entitle, type Entitlement, type Proof, type TokenBody } from './proof.ts'

export type { Proof, TokenBody } from './proof.ts'

interface IssueContext {
  readonly auth: Auth
  readonly store: Store
  readonly revocations: Pick<Revocations, 'fresh' | 'refresh' | 'check' | 'epochsOf'>
  readonly accounts: Accounts
  /** Absent: there is no Web Push. */
  readonly endpoints: Endpoints | undefined
  readonly enrolments: Enrolments
  readonly longPolls: LongPolls
  /** Rate limit of tokens that no provider requests. */
  readonly rate: Pick<RateByKey, 'take'>
  readonly limits: TokenLimits
  readonly audit: Audit
  readonly tokenEvents: TokenEvents
  readonly now: () => number
}

export interface TokenAnswer {
  /** The message token, a JWT: the MQTT password, and the Bearer token of a device. */
  readonly token: string
  /** Stable name of the (app, device, account). */
  readonly tokenId: string
  /** As in the request, or generated. */
  readonly device: string
  /** Empty: not logged in. */
  readonly account: string
  /** When the token expires, ISO 8601 in UTC. */
  readonly expiresAt: string
  /** When to renew it: after two thirds of its lifetime. */
  readonly renewAfter: string
  /** Until when the device can renew the token itself. */
  readonly renewUntil: string
  readonly topics: {
    /** Messages for this token only. */
    readonly private: string
    /** Messages for every device with this version; null without a version. */
    readonly broadcast: string | null
  }
  /** If Web Push was requested: a secret URL through which an application server can send to this token. */
  readonly endpoint?: string
}

/**
 * `body` has the shape of `tokenSchema`.
 * @throws what `entitle` throws; WEB_PUSH_OFF, VAPID_KEY_INVALID, DEVICE_HELD, ACCOUNT_FULL, TOKEN_REVOKED, TOKEN_SUPERSEDED, TOKEN_UNKNOWN, STORE_UNAVAILABLE
 */
export type IssueToken = (body: TokenBody, proof: Proof) => Promise<TokenAnswer>

/** As hard to guess as a token id. */
const DEVICE_BYTES = 16
/** RFC 6749 leaves the time of renewal to the client; two thirds leaves time for many attempts. */
const RENEW_AT = 2 / 3

export function createIssueToken(context: IssueContext): IssueToken {
  const { auth, revocations, longPolls, rate, limits, enrolments, audit, tokenEvents, now } = context
  const proofs = {
    enrolments,
    limits,
    now,
    makeDevice: () => randomBytes(DEVICE_BYTES).toString('base64url'),
    holderOf: (token: string, app: string, device: string) => holderOf(context, token, app, device),
  }
  return async (body, proof) => {
    const endpointFor = body.webPush && endpointsOf(context, body.webPush)
    // A new proof is valid after all earlier revocations, on any node; a renewal keeps the epochs of its token.
    await (proof.kind === 'renewal' ? revocations.fresh() : revocations.refresh())
    const entitlement = await entitle(body, proof, proofs)
    // Limited, because each writes an audit line, and a new device takes room in the store for months.
    if (proof.kind !== 'provider' && !rate.take(askerOf(entitlement, proof)))
      throw new PushError('RATE_LIMITED', 'too many tokens a minute')
    const { app, device, account, version } = entitlement.names
    const names = { app, device, account, ...(version === undefined ? {} : { version }) }
    const { life = Infinity, latestEnd } = entitlement
    const { ttl = Math.min(life, limits.defaultTokenTtl) } = body
    const seconds = Math.floor(Math.min(ttl, life, (latestEnd - now()) / 1000))
    if (seconds < 1) throw new PushError('TOKEN_NOT_RENEWABLE')
    const epochs = entitlement.epochs ?? revocations.epochsOf(app, auth.accountMarkOf(app, account))
    const { tokenId, generation, switchedFrom } = await register(context, entitlement, epochs, now() + seconds * 1000)
    if (switchedFrom !== undefined) longPolls.recheck(switchedFrom)
    const { by } = entitlement
    // As the token has it.
    const renewUntil = Math.floor(entitlement.renewUntil / 1000) * 1000
    const issued = auth.issue({ ...names, ttl: seconds, generation, renewUntil, epochs })
    const action = proof.kind === 'renewal' ? 'token.renewed' : 'token.issued'
    audit({ action, by, app, tokenId, switchedFrom })
    const switched = { type: 'token.switched', app, tokenId, switchedFrom } as const
    await tokenEvents.tell([{ type: action, app, tokenId }, ...(switchedFrom === undefined ? [] : [switched])])
    return {
      token: issued.token,
      tokenId,
      device,
      account,
      expiresAt: isoOf(issued.expiresAt),
      renewAfter: isoOf(issued.expiresAt - Math.floor(seconds * 1000 * (1 - RENEW_AT))),
      renewUntil: isoOf(renewUntil),
      topics: {
        private: privateTopic(app, tokenId),
        broadcast: version === undefined ? null : broadcastTopic(app, version),
      },
      ...(endpointFor === undefined ? {} : { endpoint: endpointFor(tokenId, generation) }),
    }
  }
}

/** Before anything is issued. @throws WEB_PUSH_OFF, VAPID_KEY_INVALID */
function endpointsOf(
  { endpoints }: Pick<IssueContext, 'endpoints'>,
  { vapidKey: text }: NonNullable<TokenBody['webPush']>,
): (tokenId: string, generation: number) => string {
  if (endpoints === undefined) throw new PushError('WEB_PUSH_OFF')
  const vapidKey = text === undefined ? undefined : parseVapidKey(text)
  if (text !== undefined && vapidKey === undefined) throw new PushError('VAPID_KEY_INVALID', '`webPush.vapidKey`')
  return (tokenId, generation) => endpoints.urlOf({ tokenId, generation, vapidKey })
}

/** An account could register ever new devices. */
function askerOf({ names: { app, account }, by }: Entitlement, { kind }: Proof): string {
  return kind === 'identity' ? JSON.stringify([app, account]) : by
}

interface Registered extends RegisteredToken {
  readonly tokenId: string
}

/** Writes the index of the account before and after the registration, whatever was removed from it meanwhile. */
async function register(
  { auth, store, accounts }: IssueContext & { readonly store: Store },
  { names, registering, tags }: Entitlement,
  epochs: Epochs,
  expiresAt: number,
): Promise<Registered> {
  const { app, device, account, version } = names
  const tokenId = auth.tokenIdOf(names)
  const accountMark = auth.accountMarkOf(app, account)
  const registration: TokenRegistration = {
    tokenId,
    app,
    deviceMark: deviceMark(app, device),
    expiresAt,
    details: { accountMark, epochs, version: version ?? '', ...(tags === undefined ? {} : { tags }) },
  }
  const note = { accountMark, tokenId, epochs, expiresAt }
  if (registering.kind !== 'renewal') await accounts.note(note)
  const registered = await take({ store, accounts }, registration, registering)
  await accounts.note(note)
  return { ...registered, tokenId }
}

/** @throws DEVICE_HELD */
async function take(
  { store, accounts }: Pick<IssueContext, 'store' | 'accounts'>,
  registration: TokenRegistration,
  registering: Registering,
): Promise<RegisteredToken> {
  const first = await store.registerToken(registration, registering)
  if (!isHeld(first)) return first
  const { tokenId, generation, details } = first.heldBy
  // If all tokens of its account or app were revoked, its hold has ended too.
  const isOver = accounts.isRevoked({ app: registration.app, ...details })
  if (!isOver) throw new PushError('DEVICE_HELD')
  const second = await store.registerToken(registration, { kind: 'free', holder: { tokenId, generation } })
  if (isHeld(second)) throw new PushError('DEVICE_HELD')
  return second
}

function isHeld(result: RegisteredToken | DeviceHeld): result is DeviceHeld {
  return 'heldBy' in result
}

/** An expired token proves no hold; only the store knows whether anybody holds the device. */
async function holderOf(
  { auth, revocations }: Pick<IssueContext, 'auth' | 'revocations'>,
  token: string,
  app: string,
  device: string,
): Promise<Registering> {
  try {
    const holder = auth.verify(token)
    if (holder.app !== app || holder.device !== device) return { kind: 'free' }
    await revocations.check(holder)
    return { kind: 'free', holder: { tokenId: holder.tokenId, generation: holder.generation } }
  } catch (error) {
    if (error instanceof PushError && error.code !== 'STORE_UNAVAILABLE') return { kind: 'free' }
    throw error
  }
}

function isoOf(date: number): string {
  return new Date(date).toISOString()
}

export function tokenSchema({ defaultTokenTtl, maximumTokenTtl }: TokenLimits) {
  return {
    type: 'object',
    additionalProperties: false,
    required: ['app'],
    properties: {
      app: { type: 'string', description: `${NAME}, and without \`%\``, examples: ['chat'] },
      device: {
        type: 'string',
        description: `${NAME}; absent: the server generates an unguessable name and returns it`,
        examples: ['phone-17'],
      },
      account: {
        type: 'string',
        description: `${NAME}; empty: not logged in. Absent: for a provider, not logged in; for others, the account of the credential`,
        examples: ['ann'],
      },
      version: { type: 'string', description: 'Version of the app on this device', examples: ['2.1.0'] },
      ttl: {
        type: 'integer',
        minimum: 1,
        maximum: maximumTokenTtl,
        description: `Lifetime of the token, seconds; ${defaultTokenTtl} if absent`,
        examples: [86_400],
      },
      tags: tagsSchema('For providers: replaces the tags of the device; absent: the tags stay'),
      renewUntil: {
        type: 'string',
        description:
          'For providers: until when the device may renew the token itself, ISO 8601; at most 400 days ahead',
        examples: ['2030-01-31T12:00:00.000Z'],
      },
      holderToken: {
        type: 'string',
        description: 'For devices: the token of the account that was logged in to this app on this device before',
      },
      webPush: {
        type: 'object',
        description: 'Requests an `endpoint` through which an application server can send to this token',
        additionalProperties: false,
        properties: {
          vapidKey: {
            type: 'string',
            description:
              'Public key of the only application server that may send (RFC 8292), uncompressed, base64url; absent: anybody who has the endpoint',
          },
        },
      },
    },
  }
}
