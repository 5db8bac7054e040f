/** Publishing what a request asks for: into the store, or into another MQTT broker. */
import { PushError, type ErrorCode } from '../errors.ts'
import type { Message } from '../store/contract.ts'
import type { Provider, Selector } from '../topics/index.ts'
import type { ContentKind } from './payload.ts'

/** A message on its way to its receivers. */
export interface Publication {
  readonly message: Message
  readonly kind: ContentKind
  /** The name of the provider. */
  readonly by: string
  /** What to await before the next receiver, so that many of them leave turns to others. */
  readonly turn: () => Promise<unknown> | undefined
  /** What the request gave itself, and the server did not make up. */
  readonly given: { readonly id: boolean; readonly ttl: boolean }
}

interface PrivateDestination {
  readonly kind: 'private'
  readonly tokenId: string
  /** Undefined if the token id alone is enough. */
  readonly app: string | undefined
}

export interface BroadcastDestination {
  readonly kind: 'broadcast'
  readonly app: string
  readonly selector: Selector
}

export type Destination = PrivateDestination | BroadcastDestination

/** A message that one receiver has now, or had before. */
export interface Stored {
  /** Under the same id, from an earlier request. */
  readonly duplicate: boolean
  /** Milliseconds since the epoch; of the first one when it is a duplicate. */
  readonly expiresAt: number
}

/** What happened to a message to the devices of an account. */
export interface AccountOutcome extends Outcome {
  /** Where it is stored. */
  readonly tokenIds: readonly string[]
}

export interface Publisher {
  /** What `publish` may fail with, for the description of the API. */
  readonly errors: readonly ErrorCode[]
  /**
   * The app to publish under for a token id that came without one; undefined if none is needed.
   * @throws TOKEN_UNKNOWN, APP_FORBIDDEN, REQUEST_INVALID (the request must name it), STORE_UNAVAILABLE
   */
  appOf(tokenId: string, provider: Provider): Promise<string | undefined>
  /**
   * Resolves when the message is stored, or acknowledged by the broker behind; never before. A repeat with the same
   * given id is safe after any error.
   */
  publish(destination: Destination, publication: Publication): Promise<Stored>
  /** Whether there is such a receiver, which `publish` finds out by itself. @throws as `publish` */
  check(destination: Destination): Promise<void>
  /**
   * To all devices on which the account is logged in. A repeat as above.
   * @throws ACCOUNT_UNKNOWN when there are none, STORE_UNAVAILABLE, UNSUPPORTED_BY_BRIDGE
   */
  publishToAccount(
    app: string,
    account: string,
    publication: Publication,
    admit?: (receivers: number) => Promise<void> | undefined,
  ): Promise<AccountOutcome>
  /** The token ids of the devices on which the account is logged in. @throws as `publishToAccount` */
  devicesOf(app: string, account: string): Promise<readonly string[]>
}

/** A receiver of a request, with how the request named it. */
export interface Receiver {
  readonly token: string
  readonly destination: PrivateDestination
}

export interface Rejected {
  /** As the request named it. */
  readonly token: string
  readonly code: ErrorCode
}

export interface Outcome {
  readonly accepted: number
  readonly rejected: readonly Rejected[]
  /** For those that accepted it; undefined: nobody did. */
  readonly stored: Stored | undefined
}

/** Errors that are about one receiver, and leave the others of the request as they are. */
const OF_ONE_RECEIVER: ReadonlySet<ErrorCode> = new Set([
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'TOKEN_NOT_YET_VALID',
  'TOKEN_REVOKED',
  'TOKEN_UNKNOWN',
  'APP_FORBIDDEN',
  'TOPIC_FORBIDDEN',
  'TOPIC_INVALID',
  'UPSTREAM_REFUSED',
  'ID_REUSED',
  'MESSAGE_UNKNOWN',
])

/**
 * Errors after which a repeat may succeed. Where others of the request have been accepted they are named for each
 * receiver, so that a repeat for the rest makes progress, however slow the broker behind a bridge is.
 */
const FOR_THE_REST: ReadonlySet<ErrorCode> = new Set(['UPSTREAM_UNAVAILABLE', 'SHUTTING_DOWN', 'RATE_LIMITED'])

/** The code for the list of refused receivers; anything else fails the request. */
export function codeForOne(error: unknown): ErrorCode {
  if (error instanceof PushError && OF_ONE_RECEIVER.has(error.code)) return error.code
  throw error
}

function codeForRest(error: unknown): ErrorCode {
  return error instanceof PushError && FOR_THE_REST.has(error.code) ? error.code : codeForOne(error)
}

/** Begins with each in its order, many in one turn of the event loop, so that the store may write them together. */
export async function eachInTurn<T, R>(
  all: readonly T[],
  turn: (one: T) => Promise<unknown> | undefined,
  begin: (one: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const begun: Promise<R>[] = []
  for (const one of all) {
    const waiting = turn(one)
    if (waiting !== undefined) await waiting
    const result = begin(one)
    // Awaited with the others, below: it may fail before that.
    result.catch(() => undefined)
    begun.push(result)
  }
  return await Promise.allSettled(begun)
}

export async function publishToEach(
  publisher: Publisher,
  receivers: readonly Receiver[],
  publication: Publication,
): Promise<Outcome> {
  const begin = ({ destination }: Receiver) => publisher.publish(destination, publication)
  const settled = await eachInTurn(receivers, publication.turn, begin)
  const rejected: Rejected[] = []
  const stored: Stored[] = []
  const codeOf = settled.some(({ status }) => status === 'fulfilled') ? codeForRest : codeForOne
  for (const [index, result] of settled.entries()) {
    const receiver = receivers[index]
    if (receiver === undefined) continue
    if (result.status === 'fulfilled') stored.push(result.value)
    else rejected.push({ token: receiver.token, code: codeOf(result.reason) })
  }
  return { accepted: stored.length, rejected, stored: allOf(stored) }
}

/** It is a duplicate where every receiver had it; where they differ, the last one expires at this time. */
export function allOf(stored: readonly Stored[]): Stored | undefined {
  if (stored.length === 0) return undefined
  let expiresAt = 0
  for (const each of stored) expiresAt = Math.max(expiresAt, each.expiresAt)
  return { duplicate: stored.every(({ duplicate }) => duplicate), expiresAt }
}
