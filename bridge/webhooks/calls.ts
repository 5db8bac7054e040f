/** Webhooks: the calls behind `/v1/webhooks`. */
import { randomBytes } from 'node:crypto'
import { byProvider, type Audit } from '../../common/audit.ts'
import type { Limits } from '../../common/limits.ts'
import { PushError } from '../../errors.ts'
import { LONGEST_KEPT_MS, type Store } from '../../store/contract.ts'
import { isAppName, type Provider } from '../../topics/index.ts'
import type { Caller } from '../calls/call.ts'
import { decodeEventCursor } from '../events/event-cursor.ts'
import { Standing } from '../events/standing.ts'
import { checkWithin } from '../events/within.ts'
import { decodeKeyCursor, encodeKeyCursor, inOrder } from '../keys/cursor.ts'
import { makeTest } from './batch.ts'
import type { CallSlots } from './call-slots.ts'
import { DELIVERIES_TABLE } from './delivery-row.ts'
import { readDelivery } from './held.ts'
import { cursorOwnerOf, keeps, logsOf, readerOf, type Readers, typesOf } from './readers.ts'
import { asOfNow, checkRights, maySee, type WebhookAuth } from './rights.ts'
import {
  DEFAULT_KEEP,
  DEFAULT_SECRET_OVERLAP,
  DEFAULT_WEBHOOKS,
  type EnabledWebhookAnswer,
  type FoundWebhookAnswer,
  type MadeWebhookAnswer,
  type SecretRotation,
  type WebhookAnswer,
  type WebhookChange,
  type WebhookList,
  type WebhookQuery,
  type WebhookReplay,
  type WebhookRequest,
  type WebhookTest,
} from './schemas.ts'
import type { Sender } from './sender.ts'
import { makeSecret, signatureHeaders } from './signature.ts'
import { checkTarget, type TargetRules } from './target.ts'
import type { WebhookCopy } from './webhook-copy.ts'
import type { Webhook } from './webhook-row.ts'

export interface WebhookCallsContext {
  readonly auth: WebhookAuth
  readonly store: Store
  readonly copy: WebhookCopy
  readonly readers: Readers
  readonly rules: TargetRules
  readonly slots: CallSlots
  readonly makeSender: () => Sender
  readonly audit: Audit
  readonly limits: Pick<Limits, 'webhooks' | 'webhooksInAll'>
  readonly now: () => number
  readonly randomId: () => string
}

type By = Pick<Caller, 'provider'>

/**
 * A webhook that a caller may not see is as if it was not there.
 * @throws STORE_UNAVAILABLE; CREDENTIALS_INVALID; WEBHOOK_UNKNOWN; APP_FORBIDDEN, SCOPE_MISSING; REQUEST_INVALID, NAME_INVALID,
 * WEBHOOK_URL_INVALID, WEBHOOKS_LIMIT, CURSOR_INVALID
 */
export interface WebhookCalls {
  createWebhook(body: WebhookRequest, caller: By): Promise<MadeWebhookAnswer>
  listWebhooks(query: WebhookQuery, caller: By): Promise<WebhookList>
  findWebhook(id: string, caller: By): Promise<FoundWebhookAnswer>
  changeWebhook(id: string, change: WebhookChange, caller: By): Promise<WebhookAnswer>
  rotateWebhookSecret(id: string, rotation: SecretRotation, caller: By): Promise<MadeWebhookAnswer>
  deleteWebhook(id: string, caller: By): Promise<void>
  testWebhook(id: string, caller: By): Promise<WebhookTest>
  enableWebhook(id: string, caller: By): Promise<EnabledWebhookAnswer>
  replayWebhook(id: string, replay: WebhookReplay, caller: By): Promise<WebhookAnswer>
}

/** No other text is looked for. */
const WEBHOOK_ID = /^whk[0-9a-f]{24}$/
const ID_BYTES = 12

export function createWebhookCalls(context: WebhookCallsContext): WebhookCalls {
  const changes = new WebhookChanges(context)
  return {
    createWebhook: (body, { provider }) => changes.create(body, asOfNow(provider, context.auth)),
    listWebhooks: (query, { provider }) => list(context, query, provider),
    findWebhook: async (id, { provider }) => {
      const webhook = await changes.find(id, provider)
      const { attempts, nextAt, lastFailure } = await readDelivery(context.store, id)
      const isFailing = attempts > 0 && webhook.disabled === undefined
      return {
        ...answerOf(webhook, context.now()),
        delivery: {
          attempts,
          nextAttemptAt: isFailing ? timeOf(nextAt) : null,
          lastFailure:
            lastFailure === undefined
              ? null
              : { ...lastFailure, at: iso(lastFailure.at), status: lastFailure.status ?? null },
        },
      }
    },
    changeWebhook: (id, change, { provider }) => changes.change(id, change, asOfNow(provider, context.auth)),
    rotateWebhookSecret: (id, rotation, { provider }) => changes.rotate(id, rotation, asOfNow(provider, context.auth)),
    deleteWebhook: (id, { provider }) => changes.remove(id, asOfNow(provider, context.auth)),
    testWebhook: (id, { provider }) => changes.test(id, asOfNow(provider, context.auth)),
    enableWebhook: (id, { provider }) => changes.enable(id, asOfNow(provider, context.auth)),
    replayWebhook: (id, replay, { provider }) => changes.replay(id, replay, asOfNow(provider, context.auth)),
  }
}

async function list(
  { copy, now }: WebhookCallsContext,
  { app, limit = DEFAULT_WEBHOOKS, cursor }: WebhookQuery,
  provider: Provider,
): Promise<WebhookList> {
  const after = cursor === undefined ? undefined : decodeKeyCursor(cursor)
  await copy.refresh()
  const seen = copy.all().filter((webhook) => maySee(provider, webhook) && (app === undefined || webhook.app === app))
  const rest = seen.filter((webhook) => after === undefined || inOrder(webhook, after) > 0).toSorted(inOrder)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return {
    webhooks: page.map((webhook) => answerOf(webhook, now())),
    cursor: last === undefined || rest.length <= limit ? null : encodeKeyCursor(last),
  }
}

class WebhookChanges {
  readonly #context: WebhookCallsContext
  /** Of which the receiver is called to try it. */
  readonly #testing = new Set<string>()

  constructor(context: WebhookCallsContext) {
    this.#context = context
  }

  /** @throws WEBHOOK_UNKNOWN, also where the provider may not see it */
  async find(id: string, provider: Provider): Promise<Webhook> {
    const found = WEBHOOK_ID.test(id) ? await this.#context.copy.find(id) : undefined
    if (found === undefined || !maySee(provider, found.webhook)) throw new PushError('WEBHOOK_UNKNOWN')
    return found.webhook
  }

  async create(body: WebhookRequest, provider: Provider): Promise<MadeWebhookAnswer> {
    const { copy, readers, rules, now, audit } = this.#context
    const { app, url, types, keepFor = DEFAULT_KEEP, from = 'latest' } = body
    if (!isAppName(app)) throw new PushError('NAME_INVALID', '`app`; an app has no `%` either')
    checkTarget(url, rules)
    const at = now()
    const webhook: Webhook = {
      id: `whk${randomBytes(ID_BYTES).toString('hex')}`,
      app,
      url,
      ...(types === undefined ? {} : { types }),
      keepFor,
      ...standsOn(provider),
      secret: makeSecret(),
      createdAt: at,
      createdBy: byProvider(provider),
      place: 0,
      enabledAt: at,
    }
    checkRights(provider, webhook)
    await copy.refresh()
    this.#checkRoom(provider, 0)
    // From its answer on, whatever happens is for it.
    await readers.open(webhook, from)
    await readers.openKept(webhook, from)
    await copy.add(webhook)
    await this.#giveBackAboveLimit(webhook, provider)
    audit({ action: 'webhook.created', by: byProvider(provider), id: webhook.id, app })
    return { ...answerOf(webhook, at), secret: webhook.secret }
  }

  /** Of two that are made at the same time, each sees the other one. */
  async #giveBackAboveLimit(webhook: Webhook, provider: Provider): Promise<void> {
    try {
      this.#checkRoom(provider, 1)
    } catch (error) {
      await this.#delete(webhook)
      throw error
    }
  }

  /** @throws WEBHOOKS_LIMIT */
  #checkRoom({ name }: Provider, own: number): void {
    const { copy, limits } = this.#context
    const all = copy.all()
    const count = all.filter(({ provider }) => provider === name).length
    if (count - own >= limits.webhooks || all.length - own >= limits.webhooksInAll)
      throw new PushError('WEBHOOKS_LIMIT')
  }

  async change(id: string, change: WebhookChange, provider: Provider): Promise<WebhookAnswer> {
    const { copy, readers, rules, now, audit } = this.#context
    const before = await this.find(id, provider)
    const { url, types, keepFor, enabled } = change
    if (url !== undefined) checkTarget(url, rules)
    const make = (found: Webhook): Webhook => {
      const { types: had, ...rest } = found
      const wanted = types === undefined ? had : (types ?? undefined)
      const made = {
        ...rest,
        ...(wanted === undefined ? {} : { types: wanted }),
        url: url ?? found.url,
        keepFor: keepFor ?? found.keepFor,
        ...(enabled === false && found.disabled === undefined
          ? { disabled: { at: now(), because: 'asked' as const } }
          : {}),
      }
      checkRights(provider, made)
      // Where it leads is what its key answers for.
      return url === undefined && types === undefined ? made : { ...withoutKey(made), ...standsOn(provider, found) }
    }
    const next = make(before)
    // A log that is new to it: whatever happens from the answer on is for it.
    const isNew = logsOf(next).some((log) => !logsOf(before).includes(log))
    if (isNew) await readers.open(next, 'latest')
    await readers.openKept(next, 'latest')
    const webhook = await copy.change(id, make)
    const ended = logsOf(before).filter((log) => !logsOf(webhook).includes(log))
    if (ended.length > 0) await readers.closePlace(webhook, ended)
    if (!keeps(webhook)) await readers.closeKept(webhook)
    audit({ action: 'webhook.changed', by: byProvider(provider), id, app: webhook.app })
    return answerOf(webhook, now())
  }

  async rotate(
    id: string,
    { overlap = DEFAULT_SECRET_OVERLAP }: SecretRotation,
    provider: Provider,
  ): Promise<MadeWebhookAnswer> {
    const { copy, now, audit } = this.#context
    checkRights(provider, await this.find(id, provider))
    const secret = makeSecret()
    const webhook = await copy.change(id, (found) => {
      const { previous: _, ...rest } = found
      const previous = { secret: found.secret, until: now() + overlap * 1000 }
      return { ...rest, secret, ...(overlap === 0 ? {} : { previous }) }
    })
    audit({ action: 'webhook.rotated', by: byProvider(provider), id, app: webhook.app })
    return { ...answerOf(webhook, now()), secret }
  }

  async remove(id: string, provider: Provider): Promise<void> {
    const webhook = await this.find(id, provider)
    await this.#delete(webhook)
    this.#context.audit({ action: 'webhook.deleted', by: byProvider(provider), id, app: webhook.app })
  }

  /** Where it is cut short, the readers end by themselves. */
  async #delete(webhook: Webhook): Promise<void> {
    const { store, copy, readers } = this.#context
    await copy.remove(webhook.id)
    await store.writeRow({ table: DELIVERIES_TABLE, key: webhook.id, isUrgent: true })
    await readers.close(webhook)
  }

  /** One attempt, now, whether it is enabled or not; one at a time. */
  async test(id: string, provider: Provider): Promise<WebhookTest> {
    const webhook = await this.find(id, provider)
    checkRights(provider, webhook)
    if (this.#testing.has(id)) throw new PushError('RATE_LIMITED', 'a test of this webhook is in progress')
    this.#testing.add(id)
    try {
      return await this.#test(webhook)
    } finally {
      this.#testing.delete(id)
    }
  }

  async #test(webhook: Webhook): Promise<WebhookTest> {
    const { slots, makeSender, now } = this.#context
    const { id: messageId, body } = makeTest(this.#context, webhook)
    const sender = makeSender()
    try {
      const outcome = await slots.run(webhook.provider, async () => {
        const headers = signatureHeaders({ id: messageId, timestamp: Math.floor(now() / 1000), body }, [webhook.secret])
        return await sender.send({ url: webhook.url, headers, body }, new AbortController().signal)
      })
      return {
        delivered: outcome.kind === 'delivered',
        status: outcome.status ?? null,
        failure: outcome.kind === 'delivered' ? null : outcome.kind === 'gone' ? 'status' : outcome.failure,
      }
    } finally {
      sender.close()
    }
  }

  /** It goes on where it was, and stands on the key that asks. */
  async enable(id: string, provider: Provider): Promise<EnabledWebhookAnswer> {
    const { copy, readers, rules, now, audit } = this.#context
    const before = await this.find(id, provider)
    checkRights(provider, before)
    checkTarget(before.url, rules)
    const standings = await readers.open(before, 'earliest')
    const dropped = await readers.missed(standings)
    const goneBefore = now() - LONGEST_KEPT_MS
    const since = before.disabled?.at
    const webhook = await copy.change(id, ({ disabled, ...found }) => {
      if (disabled === undefined) return undefined
      return { ...withoutKey(found), ...standsOn(provider, found), enabledAt: now() }
    })
    audit({ action: 'webhook.enabled', by: byProvider(provider), id, app: webhook.app })
    const isGone = since !== undefined && since < goneBefore
    return { ...answerOf(webhook, now()), dropped, goneBefore: isGone ? iso(goneBefore) : null }
  }

  /** With readers of its own, because none goes back. */
  async replay(id: string, { cursor }: WebhookReplay, provider: Provider): Promise<WebhookAnswer> {
    const { store, copy, readers, now, audit } = this.#context
    const before = await this.find(id, provider)
    checkRights(provider, before)
    const moves = cursor === undefined ? undefined : decodeEventCursor(cursorOwnerOf(store, before), cursor)
    const next = { ...before, place: before.place + 1 }
    if (moves !== undefined) {
      const standings = logsOf(next).map((log) => new Standing(log, readerOf(next)))
      await checkWithin(store, standings, moves)
    }
    // Left by a replay that was cut short.
    await readers.closePlace(next)
    await readers.open(next, 'earliest')
    const { hasLogged, hasUpstream } = typesOf(next)
    if (moves !== undefined)
      await readers.move(next, {
        events: hasLogged ? moves.events : [],
        upstream: hasUpstream ? moves.upstream : [],
      })
    const webhook = await copy.change(id, (found) => {
      if (found.place !== before.place)
        throw new PushError('STORE_UNAVAILABLE', 'another replay is starting at the same time')
      return { ...found, place: next.place }
    })
    await readers.closePlace(before)
    audit({ action: 'webhook.replayed', by: byProvider(provider), id, app: webhook.app })
    return answerOf(webhook, now())
  }
}

/** Whose it is, and with which key: who sees all webhooks does not make them its own. */
function standsOn({ name, keyId }: Provider, found?: Webhook): Pick<Webhook, 'provider' | 'keyId'> {
  if (found !== undefined && found.provider !== name)
    return { provider: found.provider, ...(found.keyId === undefined ? {} : { keyId: found.keyId }) }
  return { provider: name, ...(keyId === undefined ? {} : { keyId }) }
}

function withoutKey(webhook: Webhook): Omit<Webhook, 'keyId'> {
  const { keyId: _, ...rest } = webhook
  return rest
}

function answerOf(webhook: Webhook, now: number): WebhookAnswer {
  const { id, app, url, types, keepFor, provider, createdAt, createdBy, disabled, previous } = webhook
  const signs = previous !== undefined && previous.until > now
  return {
    id,
    app,
    url,
    types: types ?? null,
    keepFor,
    provider,
    createdAt: iso(createdAt),
    createdBy,
    state: disabled === undefined ? 'enabled' : 'disabled',
    disabledAt: disabled === undefined ? null : iso(disabled.at),
    disabledBecause: disabled?.because ?? null,
    previousUntil: signs ? iso(previous.until) : null,
  }
}

const iso = (time: number): string => new Date(time).toISOString()
const timeOf = (time: number): string | null => (time === 0 ? null : iso(time))
