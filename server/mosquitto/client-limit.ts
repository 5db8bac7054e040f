/** `global_max_clients`: connected clients, and sessions kept since this process started. */
import { type ConnectedUser, PushError } from '../../index.ts'

export class ClientLimit {
  readonly #now: () => number
  readonly #clients = new Map<string, Client>()
  /** Below 1: no limit. */
  #most: number

  /** `now`: milliseconds of a monotonic clock. */
  constructor(most: number, now: () => number) {
    this.#most = most
    this.#now = now
  }

  set most(value: number) {
    this.#most = value
  }

  /** @throws PushError where there is no room for one more */
  check(clientId: string): void {
    if (this.#most < 1 || this.#clients.size < this.#most || this.#clients.has(clientId)) return
    const now = this.#now()
    for (const [each, { end }] of this.#clients) if (end <= now) this.#clients.delete(each)
    if (this.#clients.size >= this.#most) throw new PushError('CLIENTS_LIMIT', 'global_max_clients')
  }

  /** Returns what hears of its end. */
  connected({ clientId, sessionExpiry }: Pick<ConnectedUser, 'clientId' | 'sessionExpiry'>): () => void {
    if (this.#most < 1) return () => undefined
    const client: Client = { end: Number.POSITIVE_INFINITY }
    this.#clients.set(clientId, client)
    return () => {
      // Another connection of it may have taken its place.
      if (this.#clients.get(clientId) !== client) return
      if (sessionExpiry === 0) this.#clients.delete(clientId)
      else client.end = this.#now() + sessionExpiry * 1000
    }
  }
}

interface Client {
  /** Of its session; never while it is connected. */
  end: number
}
