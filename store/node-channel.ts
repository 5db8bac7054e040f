/** How nodes tell each other what nobody has to keep, such as messages of QoS 0. */
export interface NodeChannel {
  /** Name of this node, while its process lives: what it is told by. Printable, at most 64 characters. */
  readonly name: string
  /**
   * A hint as all of `Watcher`; but to one node they come in the order of the calls. Resolves when Redis has taken it, and
   * rejects with `STORE_UNAVAILABLE` when that is not known.
   */
  tell(nodes: readonly string[], bytes: Uint8Array): Promise<void>
  /** How many of them have said within the last two minutes that they live, this one among them. @throws STORE_UNAVAILABLE */
  count(): Promise<number>
}
