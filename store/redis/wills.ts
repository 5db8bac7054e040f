/** Wills that were kept when their sessions were closed: the node that takes one publishes it. */
import type { SessionOwner, TokenId } from '../contract.ts'
import { asTime } from './entry.ts'
import type { Lanes } from './lanes.ts'
import type { Names } from './names.ts'
import { asOptionalBytes, TAKE_WILL, WILL_PUBLISHED } from './steps.ts'
import type { Location } from './token.ts'

interface WillsOptions {
  readonly lanes: Lanes
  readonly names: Names
  readonly locate: (tokenId: TokenId) => Location
}

const OF_DEVICE = Buffer.from('d')
const OF_NAME = Buffer.from('n')

export class Wills {
  readonly #options: WillsOptions

  constructor(options: WillsOptions) {
    this.#options = options
  }

  async take(session: SessionOwner, epoch: number, until: number): Promise<Uint8Array | undefined> {
    const [value] = await this.#options.lanes.run(TAKE_WILL, ...this.#placeOf(session), epoch, asTime(until))
    return asOptionalBytes(value)
  }

  async published(session: SessionOwner, epoch: number): Promise<void> {
    await this.#options.lanes.run(WILL_PUBLISHED, ...this.#placeOf(session), epoch)
  }

  /** See `lua/wills.lua`. */
  #placeOf(session: SessionOwner): readonly [base: string, owner: Buffer] {
    const { names, locate } = this.#options
    if ('tokenId' in session) {
      const { base, id } = locate(session.tokenId)
      return [base, Buffer.concat([OF_DEVICE, id])]
    }
    const [base, field] = names.placeOf(session.name)
    return [base, Buffer.concat([OF_NAME, Buffer.from(field)])]
  }
}
