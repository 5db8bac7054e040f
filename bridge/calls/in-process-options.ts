/** What every call of the embedding program takes. */
export interface CallOptions {
  /** The name of a provider, for whose apps alone the call may be made. Default: every app. */
  readonly provider?: string | undefined
}
