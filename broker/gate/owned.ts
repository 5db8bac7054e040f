/**
 * Streams that know their connection, so that all share the same listeners: five closures per connection would cost
 * memory.
 */
import type { Duplex } from 'node:stream'

const OWNER = Symbol('connection')

interface Owner {
  /** Ends it. */
  failed(error: unknown): void
}

type Owned<C> = Duplex & { readonly [OWNER]: C }

export function own<C extends Owner>(stream: Duplex, owner: C): Owned<C> {
  return Object.assign(stream, { [OWNER]: owner })
}

/** A listener of a stream: what it throws ends its connection. */
export function ending<C extends Owner, A extends readonly unknown[]>(run: (connection: C, ...args: A) => void) {
  return function (this: Owned<C>, ...args: A): void {
    try {
      run(this[OWNER], ...args)
    } catch (error) {
      this[OWNER].failed(error)
    }
  }
}
