/** Who makes a request: a provider by its key, a device by its message token. */
import type { FastifyRequest } from 'fastify'
import type { Auth } from '../auth/contract.ts'
import { looksLikeToken } from '../auth/index.ts'
import { PushError } from '../errors.ts'
import type { Store, TokenRecord } from '../store/contract.ts'
import { refusalOf } from '../store/honoured.ts'
import { mayUse, type Device, type Provider, type Scope } from '../topics/index.ts'
import type { RequestWork } from './work.ts'

/** A device whose token the registry still honours, with what the registry knows. */
export interface KnownDevice {
  readonly device: Device
  readonly record: TokenRecord
}

/** What the registry says that the tags of a device are now. */
export function tagsOf({
  details,
}: TokenRecord & { readonly details?: { readonly tags: readonly string[] } }): readonly string[] {
  return details?.tags ?? []
}

type Hook = (request: FastifyRequest) => Promise<void>

/** `onRequest` hooks of routes, and what they have found. */
export interface Guard {
  /** A provider whose key has this scope. */
  provider(scope: Scope): Hook
  readonly device: Hook
  providerOf(request: FastifyRequest): Provider
  deviceOf(request: FastifyRequest): KnownDevice
}

/** RFC 6750 section 2.1; Node has trimmed the end. */
const BEARER = /^bearer +(\S.*)$/i

/** @param know what the registry says of a verified device; throws when it is no longer honoured */
export function createGuard(
  auth: Pick<Auth, 'provider' | 'verify'>,
  know: (device: Device) => Promise<KnownDevice>,
  work: RequestWork,
): Guard {
  const providers = new WeakMap<FastifyRequest, Provider>()
  const devices = new WeakMap<FastifyRequest, KnownDevice>()

  function authenticate(request: FastifyRequest): Device | Provider {
    const credential = BEARER.exec(request.headers.authorization ?? '')?.[1]
    if (credential === undefined) throw new PushError('CREDENTIALS_MISSING')
    if (looksLikeToken(credential)) return auth.verify(credential)
    // Node reads headers as latin1: these are the bytes that were sent, UTF-8 as a rule.
    const provider = auth.provider(Buffer.from(credential, 'latin1'))
    if (provider === undefined) throw new PushError('CREDENTIALS_INVALID')
    return provider
  }

  return {
    provider: (scope) => async (request) => {
      const principal = authenticate(request)
      if (principal.kind !== 'provider') throw new PushError('NOT_A_PROVIDER')
      if (!mayUse(principal, scope)) throw new PushError('SCOPE_MISSING', scope)
      await work.admit(principal, request)
      providers.set(request, principal)
    },
    async device(request) {
      const principal = authenticate(request)
      if (principal.kind !== 'device') throw new PushError('NOT_A_DEVICE')
      await work.admit(principal, request)
      devices.set(request, await know(principal))
    },
    providerOf: (request) => found(providers.get(request)),
    deviceOf: (request) => found(devices.get(request)),
  }
}

/**
 * What the registry says of a verified device.
 * @throws TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED, STORE_UNAVAILABLE
 */
export async function knowDevice(store: Pick<Store, 'lookupToken'>, device: Device): Promise<KnownDevice> {
  const record = await store.lookupToken(device.tokenId)
  const refusal = refusalOf(record, device.generation)
  if (record === undefined || refusal !== undefined) throw new PushError(refusal ?? 'TOKEN_UNKNOWN')
  return { device, record }
}

function found<T>(principal: T | undefined): T {
  if (principal === undefined) throw new Error('the route has no guard')
  return principal
}
