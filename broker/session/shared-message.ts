/** What a shared subscription gives to one of its members. */
import type { UpstreamEntry } from '../../store/contract.ts'
import type { ProviderSubscription } from './provider-subscriptions.ts'

export interface SharedMessage {
  readonly entry: UpstreamEntry
  readonly part: number
  readonly subscription: ProviderSubscription
  settle(): void
}

/** A member's way out. */
export interface SharedReceiver {
  /** How many more messages it can take now. */
  readonly room: number
  give(message: SharedMessage): void
}
