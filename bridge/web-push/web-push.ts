/** Web Push (RFC 8030): an application server sends to one device through a capability URL, without a provider key. */
import type { IncomingHttpHeaders } from 'node:http'
import { isVapid, type Auth } from '../../auth/index.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { RateByKey } from '../../common/rates.ts'
import type { UnderWay } from '../../common/under-way.ts'
import { PushError, type ErrorCode } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { refusalOf } from '../../store/honoured.ts'
import { makeMessage, type MessageLimits } from '../../store/message.ts'
import type { Revocations } from '../../store/revocations.ts'
import type { Endpoint, Endpoints } from './capabilities.ts'
import { readEncoding, readHeaders } from './headers.ts'
import { toldProperties } from './told.ts'

export interface WebPushContext {
  readonly auth: Pick<Auth, 'checkVapid'>
  readonly store: Pick<Store, 'appendWebPush' | 'tellPrivate' | 'lookupToken' | 'recall'>
  readonly revocations: Pick<Revocations, 'check'>
  readonly endpoints: Endpoints
  /** Of each endpoint. */
  readonly rate: Pick<RateByKey, 'take'>
  readonly underWay: Pick<UnderWay, 'run'>
  readonly metrics: Metrics
  readonly limits: MessageLimits
  readonly now: () => number
  readonly randomId: () => string
}

export interface Pushed {
  /** Where the message can be recalled. */
  readonly location: string
  /** Seconds that it is kept for: less than was asked for where that was more than the server allows. */
  readonly ttl: number
}

/** Of a message token, whose endpoint ends with it. */
const ENDED: ReadonlySet<ErrorCode> = new Set(['TOKEN_UNKNOWN', 'TOKEN_REVOKED', 'TOKEN_SUPERSEDED'])
/** A rate is for a minute, and devices come back when they do. In seconds. */
const LATER = 60

export class WebPush {
  readonly #context: WebPushContext

  constructor(context: WebPushContext) {
    this.#context = context
  }

  /** @throws ENDPOINT_UNKNOWN */
  open(text: string): Endpoint {
    const endpoint = this.#context.endpoints.open(text)
    if (endpoint === undefined) throw new PushError('ENDPOINT_UNKNOWN')
    return endpoint
  }

  /**
   * Who may send, before the body is read: RFC 8292 section 4.2. A token that nobody asked for is checked as well.
   * @throws VAPID_MISSING, VAPID_INVALID
   */
  authorize({ vapidKey }: Endpoint, authorization: string | undefined): void {
    const { auth, endpoints } = this.#context
    if (authorization === undefined || !isVapid(authorization)) {
      if (vapidKey !== undefined) throw new PushError('VAPID_MISSING')
      return
    }
    const key = auth.checkVapid(authorization, endpoints.origin)
    if (vapidKey !== undefined && !key.equals(vapidKey))
      throw new PushError('VAPID_INVALID', 'the endpoint is for another application server')
  }

  /**
   * Resolves when the message is stored, or told to who is there where it is for now or never.
   * @throws RATE_LIMITED, TTL_INVALID, REQUEST_INVALID, WEB_PUSH_ENCODING, PAYLOAD_TOO_LARGE, WEB_PUSH_FULL, ENDPOINT_GONE,
   * STORE_UNAVAILABLE
   */
  async push(endpoint: Endpoint, headers: IncomingHttpHeaders, body: Uint8Array): Promise<Pushed> {
    const { endpoints, metrics, limits, now, randomId, rate } = this.#context
    try {
      const { ttl: wanted, topic, urgency } = readHeaders(headers)
      const ttl = Math.min(wanted, limits.maximumTtl)
      const draft = {
        payload: body,
        properties: toldProperties({ contentEncoding: readEncoding(headers, body), urgency }),
        retain: false,
        id: randomId(),
        ttl,
        // What is not stored replaces nothing.
        collapseKey: topic === undefined || ttl === 0 ? undefined : endpoints.collapseKeyOf(endpoint, topic),
      }
      const message = { ...makeMessage(draft, limits, now()), webPush: true as const }
      if (!rate.take(endpoints.urlOf(endpoint)))
        throw new PushError('RATE_LIMITED', 'too many messages a minute through this endpoint', { retryAfter: LATER })
      await this.#store(endpoint, message)
      metrics.accepted.inc({ destination: 'private' })
      return { location: endpoints.urlOfMessage({ tokenId: endpoint.tokenId, id: draft.id }), ttl }
    } catch (error) {
      const refusal = refused(error)
      if (refusal instanceof PushError) metrics.rejected.inc({ code: refusal.code })
      throw refusal
    }
  }

  async #store(endpoint: Endpoint, message: Parameters<Store['appendWebPush']>[0]['message']): Promise<void> {
    const { store, underWay } = this.#context
    const { tokenId, generation } = endpoint
    await this.#check(endpoint)
    // The generation is checked again in the step that stores: nothing comes after a revocation.
    const to = { tokenId, generation, message }
    const isNow = message.expiresAt <= message.storedAt
    await underWay.run(`web push ${tokenId}`, async () => {
      await (isNow ? store.tellPrivate(to) : store.appendWebPush(to))
    })
  }

  /** Whether messages can be sent through it. @throws ENDPOINT_GONE, STORE_UNAVAILABLE */
  async probe(endpoint: Endpoint): Promise<void> {
    try {
      await this.#check(endpoint)
    } catch (error) {
      throw refused(error)
    }
  }

  /** Revocations of all tokens of an app or account too, which the record of a token id does not tell. */
  async #check({ tokenId, generation }: Endpoint): Promise<void> {
    const { store, revocations } = this.#context
    const record = await store.lookupToken(tokenId)
    const refusal = refusalOf(record, generation)
    if (record === undefined || refusal !== undefined) throw new PushError(refusal ?? 'TOKEN_UNKNOWN')
    const { app, details } = record
    await revocations.check({ app, accountMark: details.accountMark, epochs: details.epochs })
  }

  /**
   * Takes back the one message that the address is of, whatever became of its endpoint.
   * @throws MESSAGE_UNKNOWN, MESSAGE_GONE, STORE_UNAVAILABLE
   */
  async recall(text: string): Promise<void> {
    const { endpoints, store } = this.#context
    const sent = endpoints.openMessage(text)
    if (sent === undefined) throw new PushError('MESSAGE_UNKNOWN')
    const recalled = await store.recall(sent.tokenId, sent.id)
    if (recalled?.state !== 'recalled') throw new PushError('MESSAGE_GONE')
  }
}

function refused(error: unknown): unknown {
  if (!(error instanceof PushError)) return error
  if (ENDED.has(error.code)) return new PushError('ENDPOINT_GONE', undefined, { cause: error })
  if (error.code === 'WEB_PUSH_FULL') return new PushError('WEB_PUSH_FULL', undefined, { retryAfter: LATER })
  return error
}
