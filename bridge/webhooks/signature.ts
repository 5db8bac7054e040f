/** Secrets and signatures of Standard Webhooks 1.0.0. */
import { createHmac, randomBytes } from 'node:crypto'

const PREFIX = 'whsec_'
/** 24 to 64 are allowed. */
const SECRET_BYTES = 32

export function makeSecret(random: (size: number) => Buffer = randomBytes): string {
  return PREFIX + random(SECRET_BYTES).toString('base64')
}

export interface Signed {
  /** No `.` is in it. */
  readonly id: string
  /** Timestamp of the attempt, seconds since the epoch. */
  readonly timestamp: number
  readonly body: Uint8Array
}

/** One for each secret: while one is being replaced, who knows either of them can check it. */
export function signatureHeaders({ id, timestamp, body }: Signed, secrets: readonly string[]): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signatures.join(' ') }
}
