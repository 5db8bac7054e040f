/** What a helper needs of a test: a place to say how to clean up. Tap's `t` is one. */
export interface Scope {
  teardown(clean: () => unknown): void
}
