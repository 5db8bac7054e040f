/** What the store keeps of a provider's session between connections (MQTT 5 section 4.1). */
import type { ProviderSubscription } from './provider-subscriptions.ts'

export interface ProviderState {
  /** Another one for each session of this name: its readers are named by it. */
  readonly incarnation: string
  readonly subscriptions: readonly ProviderSubscription[]
  /** Sent up to here and not all acknowledged: what is sent again goes out with DUP [MQTT-3.3.1-1]. */
  readonly sent: readonly SentMark[]
  /** Packet ids of QoS 2 messages from the client that wait for PUBREL. */
  readonly received: readonly number[]
}

/** In the upstream logs of apps, of what it subscribed to by itself. */
export function sessionReader({ incarnation }: Pick<ProviderState, 'incarnation'>): string {
  return `s/${incarnation}`
}

export type SentMark = readonly [app: string, part: number, offset: number]

interface Stored extends ProviderState {
  readonly v: 1
}

export function encodeProviderState(state: ProviderState): Uint8Array {
  const stored: Stored = { v: 1, ...state }
  return Buffer.from(JSON.stringify(stored))
}

/** The inverse; undefined for a form that this version does not know, which counts as no session. */
export function decodeProviderState(bytes: Uint8Array): ProviderState | undefined {
  const { v, incarnation, subscriptions, sent, received } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Stored
  return v === 1 ? { incarnation, subscriptions, sent, received } : undefined
}
