/** Redis answers before its replicas have a write; this waits for them. */
import type { Client } from './connection.ts'

interface ReplicationOptions {
  readonly client: Client
  /** How many connections there have been. */
  readonly connections: () => number
  /** How many have to have it. */
  readonly replicas: number
  readonly timeoutMs: number
}

export class Replication {
  readonly #options: ReplicationOptions

  constructor(options: ReplicationOptions) {
    this.#options = options
  }

  /**
   * Resolves when as many replicas as are asked for have all that was written over this connection: WAIT knows of no other.
   * Throws when they have not, or when there is another connection, perhaps to another master, by now.
   */
  async reached(connection: number): Promise<void> {
    const { client, connections, replicas, timeoutMs } = this.#options
    const have = await client.wait(replicas, timeoutMs)
    if (connection !== connections()) throw new Error('the connection that it was written over is gone')
    if (have < replicas) throw new Error(`${have} of ${replicas} replicas have what was written`)
  }
}
