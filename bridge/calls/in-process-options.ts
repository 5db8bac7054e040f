/** Options of every call of the embedding program. */
export interface CallOptions {
  /** The name of a provider: limits the call to its apps and rights. Default: every app. */
  readonly provider?: string | undefined
}
