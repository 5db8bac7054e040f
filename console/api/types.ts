/** What the HTTP API answers, as far as the console shows it: /openapi.json has all of it. */

export interface Session {
  readonly provider: string
  readonly apps: readonly string[] | '*'
  readonly scopes: readonly string[]
  readonly expiresAt: string
}

export interface Overview {
  readonly at: string
  readonly version: string
  readonly server: string
  readonly connections: { readonly device: number; readonly provider: number; readonly user: number }
  readonly totals: Readonly<Record<Total, number>>
  readonly latency: { readonly count: number; readonly buckets: readonly (readonly [seconds: number, count: number])[] }
  readonly pendingWakes: number
  readonly nodes: number
  readonly store: { readonly engine: string; readonly ready: boolean; readonly warnings: readonly string[] }
}

export type Total =
  | 'accepted'
  | 'duplicates'
  | 'rejected'
  | 'delivered'
  | 'redelivered'
  | 'acknowledged'
  | 'expired'
  | 'dropped'
  | 'upstream'
  | 'refusedConnects'
  | 'disconnects'

export interface ListedToken {
  readonly tokenId: string
  readonly state: string
  readonly version: string | null
  readonly tags: readonly string[]
  readonly lastSeen: string | null
  readonly expiresAt: string
}

export interface TokenList {
  readonly tokens: readonly ListedToken[]
  readonly cursor: string | null
}

export interface InspectedToken extends ListedToken {
  readonly app: string
  readonly session: 'connected' | 'kept' | 'none'
  readonly pending: { readonly messages: number; readonly bytes: number }
  readonly cursors: { readonly private: number; readonly privateEnd: number; readonly broadcast: number }
}

/** Text where the bytes are UTF-8. */
export interface Payload {
  readonly payload?: string
  readonly payloadBase64?: string
}

export interface PendingMessage extends Payload {
  readonly id: string
  readonly log: 'private' | 'broadcast'
  readonly topic: string
  readonly bytes: number
  readonly storedAt: string
  readonly expiresAt: string
  readonly retain: boolean
  readonly receipt: boolean
  readonly collapseKey: string | null
}

export interface PendingMessages {
  readonly messages: readonly PendingMessage[]
  readonly more: boolean
}

export interface SendTo {
  readonly token?: string
  readonly app?: string
  readonly account?: string
  readonly version?: string
  readonly versions?: string
}

export interface Sent {
  readonly id: string
  readonly accepted: number
  readonly rejected: readonly { readonly token: string; readonly code: string }[]
  readonly expiresAt?: string
  readonly duplicate?: boolean
  readonly dryRun?: boolean
  readonly tokenIds?: readonly string[]
}

export interface MessageState {
  readonly token?: string
  readonly app?: string
  readonly state: string
  readonly mayHaveBeenSeen?: boolean
  readonly acknowledged?: number
  readonly sent?: number
}

export interface MessageStates {
  readonly id: string
  readonly states: readonly MessageState[]
  readonly rejected: readonly { readonly token: string; readonly code: string }[]
}

export interface IssuedToken {
  readonly token: string
  readonly tokenId: string
  readonly device: string
  readonly account: string
  readonly expiresAt: string
  readonly topics: { readonly private: string; readonly broadcast: string | null }
}

export interface Enrolment {
  readonly id: string
  readonly app: string
  readonly createdBy: string
  readonly createdAt: string
  readonly expiresAt: string
  readonly usedAt: string | null
}

export interface EnrolmentList {
  readonly enrolments: readonly Enrolment[]
  readonly cursor: string | null
}

export interface MadeEnrolment {
  readonly id: string
  readonly code: string
  readonly expiresAt: string
}

export interface PushEvent extends Payload {
  readonly type: string
  readonly id: string
  readonly tokenId?: string
  readonly app: string
  readonly at: string
  readonly eventId: string
  readonly topic?: string
  readonly switchedFrom?: string
}

export interface EventPage {
  readonly events: readonly PushEvent[]
  readonly cursor: string
  readonly missed: number
  readonly more: boolean
}

export interface Key {
  readonly id: string
  readonly name: string
  readonly apps: readonly string[] | '*'
  readonly scopes: readonly string[]
  readonly expiresAt: string | null
  readonly createdAt: string
  readonly createdBy: string
  readonly rotatedAt: string | null
  readonly previousUntil: string | null
}

export interface MadeKey extends Key {
  readonly key: string
}

export interface KeyList {
  readonly keys: readonly Key[]
  readonly cursor: string | null
}

export interface Webhook {
  readonly id: string
  readonly app: string
  readonly url: string
  /** null: all but `upstream`. */
  readonly types: readonly string[] | null
  /** Seconds. */
  readonly keepFor: number
  readonly provider: string
  readonly createdAt: string
  readonly createdBy: string
  readonly state: 'enabled' | 'disabled'
  readonly disabledAt: string | null
  readonly disabledBecause: string | null
  readonly previousUntil: string | null
}

export interface WebhookList {
  readonly webhooks: readonly Webhook[]
  readonly cursor: string | null
}

export interface MadeWebhook extends Webhook {
  readonly secret: string
}

export interface FoundWebhook extends Webhook {
  readonly delivery: {
    readonly attempts: number
    readonly nextAttemptAt: string | null
    readonly lastFailure: { readonly at: string; readonly failure: string; readonly status: number | null } | null
  }
}

export interface EnabledWebhook extends Webhook {
  readonly dropped: number
  readonly goneBefore: string | null
}

export interface WebhookTest {
  readonly delivered: boolean
  readonly status: number | null
  readonly failure: string | null
}
