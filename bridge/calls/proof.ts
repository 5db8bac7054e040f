/** The proof for a message token: a provider, an identity, an enrolment code, or the previous token. */
import type { Identity } from '../../auth/contract.ts'
import { PushError } from '../../errors.ts'
import type { Registering } from '../../store/contract.ts'
import { isAppName, isName, isVersion, mayActFor, type Device, type Epochs, type Provider } from '../../topics/index.ts'
import { parseTags } from '../../topics/index.ts'
import { nameOfProvider } from './call.ts'
import type { Enrolments } from './enrolments.ts'

export type Proof =
  | { readonly kind: 'provider'; readonly provider: Provider }
  | { readonly kind: 'identity'; readonly identity: Identity }
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'renewal'; readonly device: Device }

/** A value that `tokenSchema` takes. */
export interface TokenBody {
  readonly app: string
  readonly device?: string
  readonly account?: string
  readonly version?: string
  readonly ttl?: number
  readonly tags?: readonly string[]
  readonly renewUntil?: string
  readonly holderToken?: string
  readonly webPush?: { readonly vapidKey?: string }
}

/** What may be issued. */
export interface Entitlement {
  readonly names: {
    readonly app: string
    readonly device: string
    readonly account: string
    readonly version: string | undefined
  }
  readonly registering: Registering
  /** Undefined: they stay as they are known. */
  readonly tags: readonly string[] | undefined
  /** Undefined: as they are now. */
  readonly epochs: Epochs | undefined
  /** Milliseconds since the epoch. */
  readonly renewUntil: number
  /** The token expires by then at the latest, milliseconds since the epoch. */
  readonly latestEnd: number
  /** Its maximum and default lifetime, seconds; undefined: the limits of the server. */
  readonly life: number | undefined
  /** For the audit. */
  readonly by: string
}

export interface ProofContext {
  readonly enrolments: Enrolments
  readonly limits: { readonly renewalMs: number }
  readonly now: () => number
  /** Generates a name for a device without one. */
  readonly makeDevice: () => string
  /** Whose hold on the device the request may take over; undefined, with the reason. */
  readonly holderOf: (holderToken: string, app: string, device: string) => Promise<Registering>
}

/** The maximum time that a provider may let a device renew its own token, ms. */
const LONGEST_RENEWAL_MS = 400 * 86_400_000

/** @throws NAME_INVALID, VERSION_INVALID, APP_FORBIDDEN, ACCOUNT_FORBIDDEN, CODE_INVALID, TOKEN_NOT_RENEWABLE, REQUEST_INVALID */
export async function entitle(body: TokenBody, proof: Proof, context: ProofContext): Promise<Entitlement> {
  checkNames(body)
  switch (proof.kind) {
    case 'provider':
      return ofProvider(body, proof.provider, context)
    case 'identity':
      return await ofIdentity(body, proof.identity, context)
    case 'code':
      return await ofCode(body, proof.code, context)
    case 'renewal':
      return ofRenewal(body, proof.device, context)
  }
}

function checkNames({ app, device, account, version }: TokenBody): void {
  if (!isAppName(app)) throw new PushError('NAME_INVALID', '`app`; an app has no `%` either')
  if (device !== undefined && !isName(device)) throw new PushError('NAME_INVALID', '`device`')
  if (account !== undefined && account !== '' && !isName(account)) throw new PushError('NAME_INVALID', '`account`')
  if (version !== undefined && !isVersion(version)) throw new PushError('VERSION_INVALID', '`version`')
}

function ofProvider(body: TokenBody, provider: Provider, context: ProofContext): Entitlement {
  const { app, account = '', version, tags, renewUntil, holderToken } = body
  if (holderToken !== undefined) throw new PushError('REQUEST_INVALID', '`holderToken` is for devices')
  if (!mayActFor(provider, app)) throw new PushError('APP_FORBIDDEN')
  const taken = tags === undefined ? undefined : parseTags(tags)
  if (tags !== undefined && taken === undefined) throw new PushError('TAGS_INVALID', '`tags`')
  return {
    names: { app, device: body.device ?? context.makeDevice(), account, version },
    registering: { kind: 'always' },
    tags: taken,
    epochs: undefined,
    renewUntil: renewUntil === undefined ? context.now() + context.limits.renewalMs : dateOf(renewUntil, context.now()),
    latestEnd: Infinity,
    life: undefined,
    by: nameOfProvider(provider),
  }
}

function dateOf(text: string, now: number): number {
  const date = Date.parse(text)
  if (Number.isNaN(date)) throw new PushError('REQUEST_INVALID', '`renewUntil` is not a date')
  if (date > now + LONGEST_RENEWAL_MS)
    throw new PushError('REQUEST_INVALID', '`renewUntil` is more than 400 days ahead')
  return Math.max(0, date)
}

async function ofIdentity(body: TokenBody, identity: Identity, context: ProofContext): Promise<Entitlement> {
  const { app, version } = body
  checkOnlyOfProviders(body)
  if (!identity.apps.has(app)) throw new PushError('APP_FORBIDDEN', 'the identity is not for this app')
  if (body.account !== undefined && body.account !== identity.account) throw new PushError('ACCOUNT_FORBIDDEN')
  const device = body.device ?? context.makeDevice()
  return {
    names: { app, device, account: identity.account, version },
    registering: await holding(body, device, context),
    tags: identity.tags,
    epochs: undefined,
    renewUntil: context.now() + context.limits.renewalMs,
    latestEnd: Infinity,
    life: undefined,
    by: `issuer ${identity.issuer}`,
  }
}

async function ofCode(body: TokenBody, code: string, context: ProofContext): Promise<Entitlement> {
  const { app, version } = body
  checkOnlyOfProviders(body)
  const made = context.makeDevice()
  const { id, account, device, tags, epochs, takeOver } = await context.enrolments.use(code, body, made)
  return {
    names: { app, device, account, version },
    registering: takeOver ? { kind: 'always' } : await holding(body, device, context),
    tags,
    epochs,
    renewUntil: context.now() + context.limits.renewalMs,
    latestEnd: Infinity,
    life: undefined,
    by: `code ${id}`,
  }
}

/** The triple does not change, and nothing lasts longer than intended. */
function ofRenewal(body: TokenBody, device: Device, { now }: ProofContext): Entitlement {
  checkOnlyOfProviders(body)
  if (body.holderToken !== undefined) throw new PushError('REQUEST_INVALID', '`holderToken` is for another account')
  if (body.app !== device.app) throw new PushError('APP_FORBIDDEN', 'the token is for another app')
  if ((body.device ?? device.device) !== device.device)
    throw new PushError('REQUEST_INVALID', '`device` is not the one of the token')
  if ((body.account ?? device.account) !== device.account) throw new PushError('ACCOUNT_FORBIDDEN')
  if (device.renewUntil <= now()) throw new PushError('TOKEN_NOT_RENEWABLE')
  return {
    names: {
      app: device.app,
      device: device.device,
      account: device.account,
      version: body.version ?? device.version,
    },
    registering: { kind: 'renewal', generation: device.generation },
    tags: undefined,
    // What was revoked after the check does not come back.
    epochs: device.epochs,
    renewUntil: device.renewUntil,
    latestEnd: Math.max(device.renewUntil, device.expiresAt),
    life: (device.expiresAt - device.issuedAt) / 1000,
    by: `device ${device.tokenId}`,
  }
}

function checkOnlyOfProviders({ tags, renewUntil }: TokenBody): void {
  if (tags !== undefined) throw new PushError('REQUEST_INVALID', '`tags` are for providers')
  if (renewUntil !== undefined) throw new PushError('REQUEST_INVALID', '`renewUntil` is for providers')
}

async function holding({ app, holderToken }: TokenBody, device: string, context: ProofContext): Promise<Registering> {
  return holderToken === undefined ? { kind: 'free' } : await context.holderOf(holderToken, app, device)
}
