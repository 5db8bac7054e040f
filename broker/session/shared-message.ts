/** A message that a shared subscription gives to one of its members. */
import type { UpstreamEntry } from '../../store/contract.ts'

/** `S`: a subscription of its receiver. */
export interface SharedMessage<S> {
  readonly entry: UpstreamEntry
  readonly part: number
  readonly subscription: S
  /** `written`: it is settled in the store, by this member or another one. */
  settle(written?: () => void): void
  /** As `UpstreamStore.assignShared`. Undefined: it is no longer for this member. @throws STORE_UNAVAILABLE */
  assign(name: string): Promise<string | undefined>
}

/** A member's way out. */
export interface SharedReceiver<S> {
  /** How many more messages it can take now. */
  readonly room: number
  give(message: SharedMessage<S>): void
}
