/** The sessions that are open on this node. */
import { LRUCache } from 'lru-cache'
import type { SessionEnd, TokenId } from '../contract.ts'
import { asSessionEnd } from './events.ts'
import type { Lanes } from './lanes.ts'
import { asNumber, CHECK } from './steps.ts'
import { locate } from './token.ts'

interface OpenSession {
  readonly epoch: number
  readonly app: string
  /** Of the JWT. */
  readonly generation: number
}

interface OpenSessionsOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly ended: (tokenId: TokenId, epoch: number, reason: SessionEnd) => void
  /** The private log of a session may have grown unheard. */
  readonly grown: (tokenId: TokenId, offset: number) => void
  /** What was written of the cursors of a session may be gone. */
  readonly cursorsLost: (tokenId: TokenId) => void
}

/** How many are looked at together after a gap, so that live traffic goes on in between. */
const CHECKED_TOGETHER = 200
const EARLY_ENDS = 1_000

export class OpenSessions {
  readonly #options: OpenSessionsOptions
  readonly #open = new Map<TokenId, OpenSession>()
  /** Ends that were heard of sessions that are not open here: perhaps the answer of `open` is still under way. */
  readonly #early = new LRUCache<TokenId, { epoch: number; reason: SessionEnd }>({ max: EARLY_ENDS })

  constructor(options: OpenSessionsOptions) {
    this.#options = options
  }

  opened(tokenId: TokenId, session: OpenSession): void {
    const { epoch } = session
    const known = this.#open.get(tokenId)
    if (known === undefined || known.epoch < epoch) this.#open.set(tokenId, session)
    const early = this.#early.get(tokenId)
    this.#early.delete(tokenId)
    if (early !== undefined && early.epoch >= epoch) this.#options.ended(tokenId, early.epoch, early.reason)
  }

  /** News of an end; from another node it may come before this node knows of the session. */
  ended(tokenId: TokenId, epoch: number, reason: SessionEnd): void {
    if (!this.#open.has(tokenId)) this.#keepEarly(tokenId, epoch, reason)
    this.forget(tokenId, epoch)
  }

  #keepEarly(tokenId: TokenId, epoch: number, reason: SessionEnd): void {
    this.#early.set(tokenId, { epoch, reason })
  }

  /** The session with this epoch or a lower one is over. */
  forget(tokenId: TokenId, epoch: number): void {
    const known = this.#open.get(tokenId)
    if (known !== undefined && known.epoch <= epoch) this.#open.delete(tokenId)
  }

  appOf(tokenId: TokenId): string | undefined {
    return this.#open.get(tokenId)?.app
  }

  /**
   * Looks for sessions that ended unheard, as news of a takeover or revocation may have been lost, and gives those back that
   * Redis lost. `isChanged`: what Redis holds is not all that it held. Rejects when Redis does not answer.
   */
  async check(isChanged: boolean): Promise<void> {
    const all = [...this.#open]
    for (let from = 0; from < all.length; from += CHECKED_TOGETHER) {
      const some = all.slice(from, from + CHECKED_TOGETHER)
      await Promise.all(some.map(([tokenId, session]) => this.#checkOne(tokenId, session, isChanged)))
    }
  }

  async #checkOne(tokenId: TokenId, { epoch, generation }: OpenSession, isChanged: boolean): Promise<void> {
    const { lanes, prefix, ended, grown, cursorsLost } = this.#options
    // Closed meanwhile: it must not be given back after its end.
    if (this.#open.get(tokenId)?.epoch !== epoch) return
    const { base, id } = locate(prefix, tokenId)
    const [reason, last] = await lanes.run(CHECK, base, id, epoch, generation)
    if (this.#open.get(tokenId)?.epoch !== epoch) return
    if (typeof reason !== 'boolean' && reason !== undefined) return ended(tokenId, epoch, asSessionEnd(reason))
    if (reason === false) grown(tokenId, asNumber(last))
    if (reason === false || isChanged) cursorsLost(tokenId)
  }
}
