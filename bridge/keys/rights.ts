/** What a provider may do with keys: never more than its own rights. */
import type { Auth } from '../../auth/index.ts'
import { PushError } from '../../errors.ts'
import { isWithin, mayUse, type Provider } from '../../topics/index.ts'
import type { KeyFields } from './fields.ts'
import type { KeyCopy } from './key-copy.ts'

interface RightsContext {
  readonly auth: Pick<Auth, 'providerNamed' | 'providerNow'>
  readonly keys: KeyCopy
}

interface UserContext {
  readonly auth: Pick<Auth, 'providerOfUser'>
  readonly keys: KeyCopy
}

type Rights = Pick<Provider, 'apps' | 'scopes'>

/** Whoever may act for every app sees every key, and may remove it. */
export function maySee(provider: Provider, key: Rights): boolean {
  return provider.apps === 'all' || isWithin(key, provider)
}

/** It may give this out, or change it. @throws APP_FORBIDDEN, SCOPE_MISSING */
export function checkRights(provider: Provider, { apps, scopes }: Rights): void {
  if (!isWithin({ apps, scopes: NONE }, provider)) throw new PushError('APP_FORBIDDEN')
  const missing = [...scopes].find((scope) => !provider.scopes.has(scope))
  if (missing !== undefined) throw new PushError('SCOPE_MISSING', missing)
}

const NONE: Provider['scopes'] = new Set()

/**
 * Who asks, as its key is now: whoever takes a key away has also what it gave out before, and nothing comes after.
 * @throws CREDENTIALS_INVALID, SCOPE_MISSING, STORE_UNAVAILABLE
 */
export async function asOfNow(provider: Provider, { auth, keys }: RightsContext): Promise<Provider> {
  await keys.refresh()
  const current = auth.providerNow(provider)
  if (current === undefined) throw new PushError('CREDENTIALS_INVALID')
  if (!mayUse(current, 'keys:admin')) throw new PushError('SCOPE_MISSING', 'keys:admin')
  return current
}

/**
 * A user that a key names has no general topics any more: only who may act for every app may decide that. No two keys name
 * one user.
 * @param id of the key that is to name it
 * @throws APP_FORBIDDEN, REQUEST_INVALID
 */
export function checkUser(provider: Provider, user: string, id: string, { auth, keys }: UserContext): void {
  if (provider.apps !== 'all') throw new PushError('APP_FORBIDDEN', '`user` is for who may act for every app')
  const isConfigured = auth.providerOfUser(user) !== undefined && keys.ofUser(user) === undefined
  if (isConfigured || keys.all().some((key) => key.user === user && key.id !== id))
    throw new PushError('REQUEST_INVALID', 'another provider has this `user`')
}

/** When the key that asks ends, or what it was before it was rotated: what it gives out ends no later. */
export function endOf({ endsAt = Number.POSITIVE_INFINITY }: Provider): number {
  return endsAt
}

/** @throws REQUEST_INVALID */
export function checkEnd({ expiresAt }: Pick<KeyFields, 'expiresAt'>, provider: Provider): void {
  if (expiresAt > endOf(provider))
    throw new PushError('REQUEST_INVALID', 'a key cannot outlive the key that creates it')
}

/**
 * A provider's sessions and limits are those of its name: nobody takes the name of one who may do more.
 * @param id of the key that is to have the name
 * @throws NAME_TAKEN
 */
export function checkName(provider: Provider, name: string, id: string, { auth, keys }: RightsContext): void {
  if (name === provider.name) return
  const configured = auth.providerNamed(name)
  const others = keys.all().filter((key) => key.name === name && key.id !== id)
  const all: Rights[] = configured === undefined ? others : [configured, ...others]
  if (!all.every((each) => isWithin(each, provider))) throw new PushError('NAME_TAKEN')
}
