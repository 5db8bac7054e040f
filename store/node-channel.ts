/** Messages between nodes that need no storage, such as QoS 0. */
export interface NodeChannel {
  /** Name of this node, while its process lives: what it is told by. Printable, at most 64 characters. */
  readonly name: string
  /**
   * A hint, like all of `Watcher`, but messages to one node arrive in the order of the calls. Resolves when Redis has
   * accepted it; rejects with `STORE_UNAVAILABLE` if that is unknown.
   */
  tell(nodes: readonly string[], bytes: Uint8Array): Promise<void>
  /**
   * Number of nodes, including this one, that reported to be alive within the last two minutes. @throws
   * STORE_UNAVAILABLE
   */
  count(): Promise<number>
}
