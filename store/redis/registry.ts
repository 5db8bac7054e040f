/** The registry of token ids. */
import { type ErrorCode, PushError } from '../../errors.ts'
import type {
  DeviceHeld,
  RegisteredToken,
  Registering,
  RegistryStore,
  RestoredToken,
  Revocation,
  SessionEnd,
  TokenId,
  TokenInspection,
  TokenPage,
  TokenRecord,
  TokenRegistration,
} from '../contract.ts'
import type { Broadcasts } from './broadcasts.ts'
import { asDetails, encodeDetailsChange } from './details.ts'
import { tokenIdOf } from './events.ts'
import { tokenPage } from './inventory.ts'
import type { Lanes } from './lanes.ts'
import { encodeMarks } from './marks.ts'
import {
  asNumber,
  asOptionalBytes,
  asOptionalNumber,
  asTokenInspection,
  asTokenRecord,
  INSPECT,
  LOOKUP,
  REGISTER,
  RESTORE,
  REVOKE,
} from './steps.ts'
import { type Location, markBytes } from './token.ts'

interface RegistryOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly broadcasts: Broadcasts
  readonly locate: (tokenId: TokenId) => Location
  /** This node has ended a session that it holds. */
  readonly sessionEnded: (tokenId: TokenId, epoch: number, reason: SessionEnd) => void
}

const MOST_SECONDS = 2 ** 48 / 1000

export class Registry implements RegistryStore {
  readonly #options: RegistryOptions

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  registerToken(
    registration: TokenRegistration,
    registering?: Exclude<Registering, { kind: 'free' }>,
  ): Promise<RegisteredToken>
  registerToken(registration: TokenRegistration, registering: Registering): Promise<RegisteredToken | DeviceHeld>
  async registerToken(
    { tokenId, app, deviceMark, expiresAt, details }: TokenRegistration,
    registering: Registering = { kind: 'always' },
  ): Promise<RegisteredToken | DeviceHeld> {
    const { locate, broadcasts, lanes } = this.#options
    const { base, id } = locate(tokenId)
    const change = encodeDetailsChange(details)
    // Another slot in a Cluster. A broadcast in between is after the end that was read, so that the device gets it.
    const end = registering.kind === 'renewal' ? 0 : await broadcasts.end(app)
    const told = [app, markBytes(deviceMark), asSeconds(expiresAt), end, ...this.#conditionOf(registering), change]
    const [generation, known, previous, more] = await lanes.run(REGISTER, base, id, ...told)
    if (generation === false) {
      return { heldBy: { tokenId: tokenIdOf(previous), generation: asNumber(more), details: asDetails(known) } }
    }
    const registered = { generation: asNumber(generation), details: asDetails(known) }
    const switched = asOptionalBytes(previous)
    if (switched === undefined) return registered
    const switchedFrom = tokenIdOf(switched)
    const ended = asOptionalNumber(more)
    if (ended !== undefined) this.#options.sessionEnded(switchedFrom, ended, 'TOKEN_SUPERSEDED')
    return { ...registered, switchedFrom }
  }

  #conditionOf(registering: Registering): [kind: string, generation: number, holder: Buffer | false] {
    const { kind } = registering
    if (kind === 'renewal') return [kind, registering.generation, false]
    if (kind === 'always' || registering.holder === undefined) return [kind, 0, false]
    const { tokenId, generation } = registering.holder
    return [kind, generation, this.#options.locate(tokenId).id]
  }

  async revokeToken(tokenId: TokenId, { generation, purge = false }: Revocation = {}): Promise<boolean> {
    if (generation !== undefined) return await this.#revoke(tokenId, generation, purge)
    return await orWhenUnknown(false, () => this.#revoke(tokenId, false, purge))
  }

  async #revoke(tokenId: TokenId, generation: number | false, purge: boolean): Promise<boolean> {
    const { base, id } = this.#options.locate(tokenId)
    const end = purge ? await this.#broadcastEnd(tokenId) : false
    const result = await this.#options.lanes.run(REVOKE, base, id, generation, end)
    const ended = asOptionalNumber(result[1])
    if (ended !== undefined) this.#options.sessionEnded(tokenId, ended, 'TOKEN_REVOKED')
    return result[0] === true
  }

  /** Of its app. A broadcast in between is after it, as if it was published later. */
  async #broadcastEnd(tokenId: TokenId): Promise<number> {
    const token = await this.lookupToken(tokenId)
    return token === undefined ? 0 : await this.#options.broadcasts.end(token.app)
  }

  async lookupToken(tokenId: TokenId): Promise<TokenRecord | undefined> {
    return await orWhenUnknown(undefined, async () => {
      const { base, id } = this.#options.locate(tokenId)
      return asTokenRecord(await this.#options.lanes.run(LOOKUP, base, id))
    })
  }

  async inspectToken(tokenId: TokenId): Promise<TokenInspection | undefined> {
    return await orWhenUnknown(undefined, async () => {
      const { base, id } = this.#options.locate(tokenId)
      return asTokenInspection(await this.#options.lanes.run(INSPECT, base, id))
    })
  }

  async tokenPage(after: string | undefined, most: number, app?: string): Promise<TokenPage> {
    const { lanes, prefix } = this.#options
    return await tokenPage(lanes, prefix, after, most, app)
  }

  async restore({ registration, ...token }: RestoredToken): Promise<TokenRecord> {
    const { tokenId, app, deviceMark, expiresAt } = registration
    const { base, id } = this.#options.locate(tokenId)
    const { broadcastCursor, generation, revoked, current, marks, details, lastSeen = 0, missed = 0 } = token
    const told = [
      app,
      markBytes(deviceMark),
      asSeconds(expiresAt),
      broadcastCursor,
      generation,
      revoked,
      current,
      marks === undefined ? false : encodeMarks(marks),
      Math.floor(lastSeen / 1000),
      encodeDetailsChange(details),
      missed,
    ]
    return asTokenRecord(await this.#options.lanes.run(RESTORE, base, id, ...told))
  }
}

/** Rounded up: a token id is kept until its newest JWT has really expired. */
function asSeconds(time: number): number {
  return Math.ceil(Math.min(time / 1000, MOST_SECONDS))
}

const UNKNOWN: ErrorCode = 'TOKEN_UNKNOWN'

/** For calls to which an unknown token id is no error. */
export async function orWhenUnknown<T>(instead: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PushError && error.code === UNKNOWN) return instead
    throw error
  }
}
