/** The fields of a key: in a request, in the store, and in a response. */
import type { StoredKey } from '../../auth/index.ts'
import { PushError } from '../../errors.ts'
import { isAppName, isName, SCOPES, type Provider, type Quota, type Quotas } from '../../topics/index.ts'
import type { KeyAnswer, KeyApps, KeyChange, KeyQuotas, KeyRequest } from './schemas.ts'

/** With which a provider shows its key over MQTT. */
const USERNAME = 'provider'

/** All that can be asked for. */
export type KeyFields = Pick<StoredKey, 'name' | 'apps' | 'scopes' | 'expiresAt' | 'quotas' | 'user'>

/** @throws NAME_INVALID, REQUEST_INVALID */
export function fieldsOf(body: KeyRequest, now: number): KeyFields {
  const fields: KeyFields = {
    name: body.name,
    apps: appsOf(body.apps),
    scopes: new Set(body.scopes),
    expiresAt: endOf(body, now) ?? Number.POSITIVE_INFINITY,
    ...withQuotas(body.quotas),
    ...withUser(body.user),
  }
  checkFields(fields, now)
  return fields
}

/** @throws NAME_INVALID, REQUEST_INVALID */
export function changedFields(key: StoredKey, change: KeyChange, now: number): KeyFields {
  const fields: KeyFields = {
    name: change.name ?? key.name,
    apps: change.apps === undefined ? key.apps : appsOf(change.apps),
    scopes: change.scopes === undefined ? key.scopes : new Set(change.scopes),
    expiresAt: endOf(change, now) ?? key.expiresAt,
    ...(change.quotas === undefined ? withKept(key.quotas) : withQuotas(change.quotas)),
    ...withUser(change.user === undefined ? key.user : change.user),
  }
  checkFields(fields, now)
  return fields
}

function checkFields({ name, apps, scopes, expiresAt, quotas }: KeyFields, now: number): void {
  if (!isName(name)) throw new PushError('NAME_INVALID', '`name`')
  if (apps !== 'all' && apps.has('*'))
    throw new PushError('REQUEST_INVALID', 'for every app, use `"apps": "*"` without a list')
  if (apps !== 'all' && ![...apps].every(isAppName))
    throw new PushError('NAME_INVALID', '`apps`; an app has no `%` either')
  if (expiresAt <= now) throw new PushError('REQUEST_INVALID', '`expiresAt` must be in the future')
  const windows = quotas?.receivers ?? []
  if (new Set(windows.map(({ seconds }) => seconds)).size < windows.length)
    throw new PushError('REQUEST_INVALID', 'two windows of `quotas` have different `seconds`')
  // It would make itself another one.
  if (quotas !== undefined && scopes.has('keys:admin'))
    throw new PushError('REQUEST_INVALID', 'a key with `keys:admin` cannot have quotas')
}

const appsOf = (apps: KeyApps): Provider['apps'] => (apps === '*' ? 'all' : new Set(apps))

function endOf({ expiresAt, expiresIn }: Pick<KeyChange, 'expiresAt' | 'expiresIn'>, now: number): number | undefined {
  if (expiresAt !== undefined && expiresIn !== undefined)
    throw new PushError('REQUEST_INVALID', 'give one of `expiresAt` and `expiresIn`')
  if (expiresAt === null) return Number.POSITIVE_INFINITY
  if (expiresIn !== undefined) return now + expiresIn * 1000
  return expiresAt === undefined ? undefined : Date.parse(expiresAt)
}

const withKept = (quotas: Quotas | undefined) => (quotas === undefined ? {} : { quotas })

function withQuotas(quotas: KeyQuotas | null | undefined): { quotas?: Quotas } {
  if (quotas === null || quotas === undefined) return {}
  return { quotas: { receivers: [quotas.receivers].flat() } }
}

function withUser(user: string | null | undefined): { user?: string } {
  if (user === null || user === undefined) return {}
  if (user === USERNAME) throw new PushError('REQUEST_INVALID', `no user has the name ${USERNAME}`)
  return { user }
}

export function answerOf(key: StoredKey, now: number): KeyAnswer {
  const { id, name, apps, scopes, expiresAt, quotas, user, createdAt, createdBy, rotatedAt, previous } = key
  const isTaken = previous !== undefined && previous.until > now
  return {
    id,
    name,
    apps: apps === 'all' ? '*' : [...apps],
    scopes: SCOPES.filter((scope) => scopes.has(scope)),
    expiresAt: timeOf(expiresAt),
    quotas: quotas === undefined ? null : { receivers: oneOrMore(quotas.receivers) },
    user: user ?? null,
    createdAt: new Date(createdAt).toISOString(),
    createdBy,
    rotatedAt: timeOf(rotatedAt),
    previousUntil: isTaken ? timeOf(previous.until) : null,
  }
}

function oneOrMore(windows: readonly Quota[]): Quota | readonly Quota[] {
  const [first, ...others] = windows
  return first !== undefined && others.length === 0 ? first : windows
}

function timeOf(time: number | undefined): string | null {
  return time === undefined || time === Number.POSITIVE_INFINITY ? null : new Date(time).toISOString()
}
