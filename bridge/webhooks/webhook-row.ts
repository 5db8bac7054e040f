/** A webhook as the store keeps it: one row of a small table, of which every process has a copy. */

export const WEBHOOKS_TABLE = 'webhooks'

/**
 * `gone`: the receiver answered 410. `failing`: the last attempt of the schedule failed. `credentials`: the key that it stands
 * on was removed, has ended, or may do less. `asked`: by a change.
 */
export const DISABLED_REASONS = ['gone', 'failing', 'credentials', 'asked'] as const
export type DisabledReason = (typeof DISABLED_REASONS)[number]

export interface Disabled {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly because: DisabledReason
}

export interface Webhook {
  readonly id: string
  readonly app: string
  readonly url: string
  /** As they were asked for; absent: the whole event log. */
  readonly types?: readonly string[]
  /** What was delivered stays for so long, to be replayed, seconds. */
  readonly keepFor: number
  /** Whose it is. */
  readonly provider: string
  /** The key that it stands on; absent: one of the configuration. */
  readonly keyId?: string
  readonly secret: string
  /** What was the secret before it was rotated: it signs as well until then. */
  readonly previous?: { readonly secret: string; readonly until: number }
  readonly createdAt: number
  readonly createdBy: string
  /** Each replay begins with readers of its own. */
  readonly place: number
  readonly enabledAt: number
  readonly disabled?: Disabled
}

const VERSION = 1

/** The version (1), and JSON. The secret must be there: signatures are made with it. */
export function encodeWebhook(webhook: Webhook): Uint8Array {
  const { id: _, ...row } = webhook
  return Buffer.concat([Buffer.from([VERSION]), Buffer.from(JSON.stringify(row))])
}

/** The inverse; undefined for what this version cannot read. */
export function decodeWebhook(id: string, bytes: Uint8Array): Webhook | undefined {
  if (bytes[0] !== VERSION) return undefined
  try {
    const row: unknown = JSON.parse(Buffer.from(bytes.subarray(1)).toString('utf8'))
    return isRow(row) ? { ...row, id } : undefined
  } catch {
    // Damaged, and told of by whoever asked.
    return undefined
  }
}

type Fields = Readonly<Record<string, unknown>>

function isRow(value: unknown): value is Omit<Webhook, 'id'> {
  if (!isFields(value)) return false
  const { types, keyId, previous, disabled } = value
  const texts = ['app', 'url', 'provider', 'secret', 'createdBy']
  const numbers = ['keepFor', 'createdAt', 'place', 'enabledAt']
  return (
    texts.every((name) => typeof value[name] === 'string') &&
    numbers.every((name) => typeof value[name] === 'number') &&
    (types === undefined || (Array.isArray(types) && types.every((each) => typeof each === 'string'))) &&
    (keyId === undefined || typeof keyId === 'string') &&
    (previous === undefined || isPrevious(previous)) &&
    (disabled === undefined || isDisabled(disabled))
  )
}

function isPrevious(value: unknown): boolean {
  return isFields(value) && typeof value['secret'] === 'string' && typeof value['until'] === 'number'
}

function isDisabled(value: unknown): boolean {
  if (!isFields(value)) return false
  return typeof value['at'] === 'number' && DISABLED_REASONS.some((reason) => reason === value['because'])
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
