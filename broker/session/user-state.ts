/** What the store keeps of a user's session between connections, besides its log and its subscriptions (MQTT 5 section 4.1). */

export interface UserState {
  /** Of its log, sent up to here: what is sent again goes out with DUP [MQTT-3.3.1-1]. */
  readonly sent: number
  /** So many after that an earlier connection may have sent, whose end nobody noted. Absent: none. */
  readonly resendAtMost?: number
  /** Names of subscriptions that not all retained messages were sent for. */
  readonly retainedDue: readonly string[]
}

interface Stored extends UserState {
  readonly v: 1
}

export const NEW_STATE: UserState = { sent: 0, retainedDue: [] }

export function encodeUserState(state: UserState): Uint8Array {
  const stored: Stored = { v: 1, ...state }
  return Buffer.from(JSON.stringify(stored))
}

/** The inverse; undefined for a form that this version does not know. */
export function decodeUserState(bytes: Uint8Array): UserState | undefined {
  const { v, ...state } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Stored
  return v === 1 ? state : undefined
}
