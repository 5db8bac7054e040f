/**
 * Authenticates a request: a provider by its key, a device by its message token, or somebody who wants a token by a
 * proof.
 */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Auth } from '../auth/contract.ts'
import { looksLikeToken } from '../auth/index.ts'
import { PushError } from '../errors.ts'
import type { Store, TokenRecord } from '../store/contract.ts'
import { refusalOf } from '../store/honoured.ts'
import type { Revocations } from '../store/revocations.ts'
import { mayUse, type Device, type Provider, type Scope } from '../topics/index.ts'
import { bearerOf, credentialOf } from './bearer.ts'
import { looksLikeCode } from './calls/enrolments.ts'
import type { Proof } from './calls/proof.ts'
import type { ConsoleSessions } from './console/sessions.ts'
import { ShownKeys } from './shown-keys.ts'
import type { RequestWork } from './work.ts'

/** A device with a valid token, and its details from the registry. */
export interface KnownDevice {
  readonly device: Device
  readonly record: TokenRecord
}

type Hook = (request: FastifyRequest) => Promise<void>
/** Of fastify's other kind: it makes no promise for a request that waits for nothing. */
type PlainHook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** @throws SESSION_ENDED, STORE_UNAVAILABLE */
export type SessionLook = () => Promise<void>

/** `onRequest` hooks of routes, and their results. */
export interface Guard {
  /** A provider whose key has this scope. */
  provider(scope: Scope): PlainHook
  readonly device: Hook
  /** The same, or the holder of a ticket in the query. */
  readonly stream: Hook
  providerOf(request: FastifyRequest): Provider
  /** For a long request of the console: whether its session continues. Undefined: it has a key. */
  lookOf(request: FastifyRequest): SessionLook | undefined
  deviceOf(request: FastifyRequest): KnownDevice
}

/** The same for those who may get a message token. */
export interface ProofGuard {
  readonly hook: Hook
  of(request: FastifyRequest): Proof
}

/** Node decodes headers as latin1; this restores the bytes that were sent, usually UTF-8. */
function keyBytes(credential: string): Buffer {
  return Buffer.from(credential, 'latin1')
}

/** Of the console, where no other credential comes along. Most requests have one, and wait for nothing here. */
function signedIn(
  sessions: Pick<ConsoleSessions, 'find'> | undefined,
  { raw }: FastifyRequest,
): Promise<Provider | undefined> | undefined {
  if (raw.headers.authorization !== undefined || raw.headers.cookie === undefined) return undefined
  return sessions?.find(raw).then((session) => session?.provider)
}

async function newProviderBy(auth: Pick<Auth, 'newProvider'>, credential: string): Promise<Provider> {
  const provider = await auth.newProvider(keyBytes(credential))
  if (provider === undefined) throw new PushError('CREDENTIALS_INVALID')
  return provider
}

interface GuardOptions {
  /** Returns the message token of a ticket; absent: there are no tickets. */
  readonly openTicket?: (ticket: string) => string
  /** Of the console; absent: there is none. */
  readonly sessions?: Pick<ConsoleSessions, 'find' | 'look'>
}

/** On the request itself: an entry of a `WeakMap` is work for each request, and for each collection of garbage. */
const providerFound = Symbol('provider')

type Known = FastifyRequest & { [providerFound]?: Provider }

/** @param know what the registry says of a verified device; throws when it is no longer honoured */
export function createGuard(
  auth: Pick<Auth, 'provider' | 'newProvider' | 'providerShown' | 'verify'>,
  know: (device: Device) => Promise<KnownDevice>,
  work: RequestWork,
  { openTicket, sessions }: GuardOptions = {},
): Guard {
  const keys = new ShownKeys(auth)
  const devices = new WeakMap<FastifyRequest, KnownDevice>()
  const looks = new WeakMap<FastifyRequest, SessionLook>()

  /** Undefined: a key that is not known here. */
  function authenticate(request: FastifyRequest): Device | Provider | undefined {
    const shown = keys.find(request)
    if (shown !== undefined) return shown
    const credential = credentialOf(request)
    if (looksLikeToken(credential)) return auth.verify(credential)
    const key = keyBytes(credential)
    const provider = auth.provider(key)
    if (provider !== undefined) keys.remember(request, key, provider)
    return provider
  }

  /** Returns what the request has to wait for, if anything. */
  function take(principal: Device | Provider, scope: Scope, request: FastifyRequest): Promise<void> | undefined {
    if (principal.kind !== 'provider') throw new PushError('NOT_A_PROVIDER')
    if (!mayUse(principal, scope)) throw new PushError('SCOPE_MISSING', scope)
    ;(request as Known)[providerFound] = principal
    return work.admitProvider(principal, request)
  }

  /** Of who is signed in, or shows a key that is not known here. */
  async function takeLater(
    signing: Promise<Provider | undefined> | undefined,
    scope: Scope,
    request: FastifyRequest,
  ): Promise<void> {
    const person = await signing
    if (person !== undefined && sessions !== undefined) looks.set(request, () => sessions.look(request.raw))
    const principal = person ?? authenticate(request) ?? (await newProviderBy(auth, credentialOf(request)))
    await take(principal, scope, request)
  }

  async function admit(principal: Device | Provider | undefined, request: FastifyRequest): Promise<void> {
    if (principal === undefined) throw new PushError('CREDENTIALS_INVALID')
    if (principal.kind !== 'device') throw new PushError('NOT_A_DEVICE')
    const waiting = work.admit(keyOf(principal), request)
    if (waiting !== undefined) await waiting
    devices.set(request, await know(principal))
  }

  return {
    provider: (scope) => (request, _reply, done) => {
      const signing = signedIn(sessions, request)
      const principal = signing === undefined ? authenticate(request) : undefined
      const waiting = principal === undefined ? takeLater(signing, scope, request) : take(principal, scope, request)
      if (waiting === undefined) done()
      else waiting.then(() => done(), done)
    },
    async device(request) {
      await admit(authenticate(request), request)
    },
    async stream(request) {
      const { ticket } = request.query as { ticket?: unknown }
      if (ticket === undefined || openTicket === undefined) return await admit(authenticate(request), request)
      if (bearerOf(request) !== undefined) throw new PushError('REQUEST_INVALID', 'a ticket and a credential')
      if (typeof ticket !== 'string') throw new PushError('REQUEST_INVALID', 'querystring/ticket must be string')
      await admit(auth.verify(openTicket(ticket)), request)
    },
    providerOf: (request) => found((request as Known)[providerFound]),
    lookOf: (request) => looks.get(request),
    deviceOf: (request) => found(devices.get(request)),
  }
}

interface ProofGuardContext {
  readonly auth: Pick<Auth, 'provider' | 'newProvider' | 'verify' | 'identity' | 'issuerOf'>
  readonly revocations: Pick<Revocations, 'check'>
  readonly work: RequestWork
  readonly sessions?: Pick<ConsoleSessions, 'find'> | undefined
}

/** The form of a credential decides how it is checked; if that fails, nothing else is tried. */
export function createProofGuard({ auth, revocations, work, sessions }: ProofGuardContext): ProofGuard {
  const proofs = new WeakMap<FastifyRequest, Proof>()

  async function prove(credential: string): Promise<Proof> {
    if (looksLikeCode(credential)) return { kind: 'code', code: credential }
    if (looksLikeToken(credential)) {
      if (auth.issuerOf(credential) === 'known') return { kind: 'identity', identity: await auth.identity(credential) }
      const device = auth.verify(credential)
      await revocations.check(device)
      return { kind: 'renewal', device }
    }
    return ofProvider(auth.provider(keyBytes(credential)) ?? (await newProviderBy(auth, credential)))
  }

  function ofProvider(provider: Provider): Proof {
    if (!mayUse(provider, 'tokens:issue')) throw new PushError('SCOPE_MISSING', 'tokens:issue')
    return { kind: 'provider', provider }
  }

  return {
    async hook(request) {
      const provider = await signedIn(sessions, request)
      const proof = provider === undefined ? await prove(credentialOf(request)) : ofProvider(provider)
      await work.admit(keyOfProof(proof), request)
      proofs.set(request, proof)
    },
    of: (request) => found(proofs.get(request)),
  }
}

function keyOf(principal: Device | Provider): string {
  return principal.kind === 'device' ? `device ${principal.tokenId}` : `provider ${principal.name}`
}

function keyOfProof(proof: Proof): string {
  switch (proof.kind) {
    case 'provider':
      return keyOf(proof.provider)
    case 'renewal':
      return keyOf(proof.device)
    case 'identity':
      return `identity ${proof.identity.issuer} ${proof.identity.account}`
    case 'code':
      return `code ${createHash('sha256').update(proof.code).digest('base64url')}`
  }
}

export interface KnowContext {
  readonly auth: Pick<Auth, 'holds'>
  readonly store: Pick<Store, 'lookupToken'>
  readonly revocations: Pick<Revocations, 'check'>
}

/**
 * What the registry says of a verified device.
 * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, STORE_UNAVAILABLE
 */
export async function knowDevice({ auth, store, revocations }: KnowContext, device: Device): Promise<KnownDevice> {
  await revocations.check(device)
  if (!auth.holds(device)) throw new PushError('TOKEN_REVOKED')
  const record = await store.lookupToken(device.tokenId)
  const refusal = refusalOf(record, device.generation)
  if (record === undefined || refusal !== undefined) throw new PushError(refusal ?? 'TOKEN_UNKNOWN')
  return { device, record }
}

/** @throws TOKEN_EXPIRED */
export function checkEnd({ expiresAt }: Device, now: () => number): void {
  if (now() >= expiresAt) throw new PushError('TOKEN_EXPIRED')
}

function found<T>(principal: T | undefined): T {
  if (principal === undefined) throw new Error('the route has no guard')
  return principal
}
