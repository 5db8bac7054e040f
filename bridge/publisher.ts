/** Publishes a message of a request: to the store, or to another MQTT broker. */
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
  /** Awaited before the next receiver, so that long lists leave turns to others. */
  readonly turn: () => Promise<unknown> | undefined
  /** Whether the request chose the id, instead of the server. */
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

/** A message that one receiver accepted, now or before. */
export interface Stored {
  /** True: it already had the message, with the same id from an earlier request. */
  readonly duplicate: boolean
  /** When it expires, milliseconds since the epoch; for a duplicate, when the first one does. */
  readonly expiresAt: number
}

/** The outcome of a message to the devices of an account. */
export interface AccountOutcome extends Outcome {
  /** Where it is stored. */
  readonly tokenIds: readonly string[]
}

export interface Publisher {
  /** Errors of `publish`, for the description of the API. */
  readonly errors: readonly ErrorCode[]
  /**
   * The app for a token id that came without one; undefined if none is needed.
   * @throws TOKEN_UNKNOWN, APP_FORBIDDEN, REQUEST_INVALID (the request must name it), STORE_UNAVAILABLE
   */
  appOf(tokenId: string, provider: Provider): string | undefined | Promise<string | undefined>
  /**
   * Resolves once the message is stored, or acknowledged by the other broker. After any error, it is safe to repeat the
   * call with the same id, if the request chose it.
   */
  publish(destination: Destination, publication: Publication): Promise<Stored>
  /** Checks that the receiver exists; `publish` does so itself. @throws as `publish` */
  check(destination: Destination): Promise<void>
  /**
   * Publishes to all devices on which the account is logged in. Repeats as above.
   * @throws ACCOUNT_UNKNOWN if there are none, STORE_UNAVAILABLE, UNSUPPORTED_BY_BRIDGE
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

/** A receiver of a request, as it appears in the request. */
export interface Receiver {
  readonly token: string
  readonly destination: PrivateDestination
}

export interface Rejected {
  /** As in the request. */
  readonly token: string
  readonly code: ErrorCode
}

export interface Outcome {
  readonly accepted: number
  readonly rejected: readonly Rejected[]
  /** For the receivers that accepted it; undefined if none did. */
  readonly stored: Stored | undefined
}

/** Errors that concern one receiver only. */
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
 * Errors after which a retry may succeed. If other receivers accepted the message, these errors are listed per
 * receiver, so that a retry for the rest makes progress, however slow the other broker is.
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

/** Starts all of them in order, many in one turn of the event loop, so that the store can write them together. */
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

export function publishToEach(
  publisher: Publisher,
  receivers: readonly Receiver[],
  publication: Publication,
): Promise<Outcome> {
  const [only] = receivers
  if (only !== undefined && receivers.length === 1) return publishToOne(publisher, only, publication)
  return publishToMany(publisher, receivers, publication)
}

async function publishToMany(
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

/** Most requests have one receiver: they skip what only many need. */
function publishToOne(
  publisher: Publisher,
  { token, destination }: Receiver,
  publication: Publication,
): Promise<Outcome> {
  const waiting = publication.turn()
  const begin = (): Promise<Stored> => publisher.publish(destination, publication)
  return (waiting === undefined ? begin() : waiting.then(begin)).then(
    (stored): Outcome => ({ accepted: 1, rejected: [], stored }),
    (error: unknown): Outcome => ({ accepted: 0, rejected: [{ token, code: codeForOne(error) }], stored: undefined }),
  )
}

/** A duplicate if every receiver had it; if they differ, the expiry of the last one. */
export function allOf(stored: readonly Stored[]): Stored | undefined {
  if (stored.length === 0) return undefined
  let expiresAt = 0
  for (const each of stored) expiresAt = Math.max(expiresAt, each.expiresAt)
  return { duplicate: stored.every(({ duplicate }) => duplicate), expiresAt }
}
