/** The sessions that are open on this node. */
import type { SessionEnd, TokenId } from '../contract.ts'
import { asSessionEnd } from './events.ts'
import { Held } from './held.ts'
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

export class OpenSessions {
  readonly #options: OpenSessionsOptions
  readonly #held = new Held<OpenSession, { readonly epoch: number; readonly reason: SessionEnd }>()

  constructor(options: OpenSessionsOptions) {
    this.#options = options
  }

  opened(tokenId: TokenId, session: OpenSession): void {
    const early = this.#held.opened(tokenId, session)
    if (early !== undefined) this.#options.ended(tokenId, early.epoch, early.reason)
  }

  ended(tokenId: TokenId, epoch: number, reason: SessionEnd): void {
    this.#held.ended(tokenId, { epoch, reason })
  }

  /** The session with this epoch or a lower one is over. */
  forget(tokenId: TokenId, epoch: number): void {
    this.#held.forget(tokenId, epoch)
  }

  appOf(tokenId: TokenId): string | undefined {
    return this.#held.get(tokenId)?.app
  }

  /**
   * Looks for sessions that ended unheard, as news of a takeover or revocation may have been lost, and gives those back that
   * Redis lost. `isChanged`: what Redis holds is not all that it held. Rejects when Redis does not answer.
   */
  async check(isChanged: boolean): Promise<void> {
    await this.#held.forEach((tokenId, session) => this.#checkOne(tokenId, session, isChanged))
  }

  async #checkOne(tokenId: TokenId, { epoch, generation }: OpenSession, isChanged: boolean): Promise<void> {
    const { lanes, prefix, ended, grown, cursorsLost } = this.#options
    // Closed meanwhile: it must not be given back after its end.
    if (this.#held.withEpoch(tokenId, epoch) === undefined) return
    const { base, id } = locate(prefix, tokenId)
    const [reason, last] = await lanes.run(CHECK, base, id, epoch, generation)
    if (this.#held.withEpoch(tokenId, epoch) === undefined) return
    if (typeof reason !== 'boolean' && reason !== undefined) return ended(tokenId, epoch, asSessionEnd(reason))
    if (reason === false) grown(tokenId, asNumber(last))
    if (reason === false || isChanged) cursorsLost(tokenId)
  }
}
