/** Audit lines: who did what. One log line each, without secrets and without names of devices or accounts. */
import type { Logger } from 'pino'

export interface AuditLine {
  readonly action:
    | 'token.issued'
    | 'token.renewed'
    | 'token.revoked'
    | 'tokens.revoked'
    | 'message.recalled'
    | 'enrolment.created'
    | 'enrolment.deleted'
    | 'key.created'
    | 'key.changed'
    | 'key.rotated'
    | 'key.deleted'
    | 'webhook.created'
    | 'webhook.changed'
    | 'webhook.rotated'
    | 'webhook.deleted'
    | 'webhook.enabled'
    | 'webhook.disabled'
    | 'webhook.replayed'
    | 'signing-key.rotated'
    | 'signing-key.retired'
    | 'console.signed-in'
    | 'console.signed-out'
  /**
   * `provider <name>`, `key <id> of <name>`, `issuer <iss>`, `code <id>`, `device <token id>`; of a webhook that was disabled,
   * why.
   */
  readonly by: string
  readonly app?: string | undefined
  readonly tokenId?: string | undefined
  /** Keyed hash of an account. */
  readonly accountMark?: string | undefined
  /** Id of a key, code, message or webhook. */
  readonly id?: string | undefined
  /** The account that was current on the device before. */
  readonly switchedFrom?: string | undefined
}

/** The provider as `by` shows it. */
export function byProvider({ name, keyId }: { readonly name: string; readonly keyId?: string }): string {
  return keyId === undefined ? `provider ${name}` : `key ${keyId} of ${name}`
}

export type Audit = (line: AuditLine) => void

/** Of each such line: no number of them is too many for the log. */
export const AUDIT_MESSAGE = 'audit'

export function auditTo(logger: Pick<Logger, 'info'>): Audit {
  return (line) => logger.info({ audit: true, ...line }, AUDIT_MESSAGE)
}
