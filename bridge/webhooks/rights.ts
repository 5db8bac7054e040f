/** The provider a webhook acts for, and who may see it. */
import type { Auth } from '../../auth/contract.ts'
import { PushError } from '../../errors.ts'
import { mayActFor, mayUse, type Provider, type Scope } from '../../topics/index.ts'
import { EVERY_APP } from '../calls/program.ts'
import { typesOf } from './readers.ts'
import type { Webhook } from './webhook-row.ts'

export type WebhookAuth = Pick<Auth, 'providerNow' | 'providerWithKey' | 'providerNamed'>

type Wanted = Pick<Webhook, 'app' | 'types'>

function scopesOf(wanted: Wanted): readonly Scope[] {
  const { hasLogged, hasUpstream } = typesOf(wanted)
  return [
    'webhooks:write',
    // What it is told by a webhook, it could read.
    ...(hasLogged || hasUpstream ? (['events:read'] as const) : []),
    ...(hasUpstream ? (['messages:read'] as const) : []),
  ]
}

/** @throws APP_FORBIDDEN, SCOPE_MISSING */
export function checkRights(provider: Provider, wanted: Wanted): void {
  if (!mayActFor(provider, wanted.app)) throw new PushError('APP_FORBIDDEN')
  const missing = scopesOf(wanted).find((scope) => !mayUse(provider, scope))
  if (missing !== undefined) throw new PushError('SCOPE_MISSING', missing)
}

/** As its key is now. @throws CREDENTIALS_INVALID, SCOPE_MISSING, STORE_UNAVAILABLE */
export function asOfNow(provider: Provider, auth: WebhookAuth): Provider {
  const current = auth.providerNow(provider)
  if (current === undefined) throw new PushError('CREDENTIALS_INVALID')
  if (!mayUse(current, 'webhooks:write')) throw new PushError('SCOPE_MISSING', 'webhooks:write')
  return current
}

/** Its own provider does, for whose apps it is; and who may give out keys for every app. */
export function maySee(provider: Provider, { provider: name, app }: Webhook): boolean {
  if (provider.apps === 'all' && mayUse(provider, 'keys:admin')) return true
  return provider.name === name && mayActFor(provider, app)
}

/** The key that the webhook stands on allows it still. @throws STORE_UNAVAILABLE */
export function isAllowed(webhook: Webhook, auth: WebhookAuth): boolean {
  const { provider: name, keyId, app } = webhook
  const provider = keyId === undefined ? configured(name, auth) : auth.providerWithKey(keyId)
  if (provider === undefined || provider.name !== name || !mayActFor(provider, app)) return false
  return scopesOf(webhook).every((scope) => mayUse(provider, scope))
}

function configured(name: string, auth: WebhookAuth): Provider | undefined {
  return name === EVERY_APP.name ? EVERY_APP : auth.providerNamed(name)
}
