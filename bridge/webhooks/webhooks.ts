/** Webhooks of one process, put together: the calls that manage them, and the couriers that deliver them. */
import type { FastifyBaseLogger } from 'fastify'
import type { Audit } from '../../common/audit.ts'
import type { Limits } from '../../common/limits.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { Store } from '../../store/contract.ts'
import { CallSlots } from './call-slots.ts'
import { createWebhookCalls, type WebhookCalls } from './calls.ts'
import { type Lookup, systemLookup } from './connect.ts'
import { Couriers } from './couriers.ts'
import { Readers } from './readers.ts'
import { isAllowed, type WebhookAuth } from './rights.ts'
import { STANDARD_RETRIES } from './schedule.ts'
import { Sender } from './sender.ts'
import type { TargetRules } from './target.ts'
import { WebhookCopy } from './webhook-copy.ts'
import type { DisabledReason, Webhook } from './webhook-row.ts'

/** What an operator decides. */
export interface WebhookRules extends TargetRules {
  /** From one attempt to the next, seconds; after the last one a webhook is disabled. Default: those of Standard Webhooks. */
  readonly retries?: readonly number[] | undefined
}

export type WebhookLimits = Pick<
  Limits,
  | 'webhooks'
  | 'webhooksInAll'
  | 'webhookCalls'
  | 'webhookCallsOfProvider'
  | 'webhookBytes'
  | 'webhookTimeoutMs'
  | 'lookupScan'
>

export interface WebhooksOptions {
  readonly version: string
  readonly auth: WebhookAuth
  readonly store: Store
  readonly rules?: WebhookRules | undefined
  readonly limits: WebhookLimits
  readonly metrics: Metrics
  readonly logger: Pick<FastifyBaseLogger, 'debug' | 'warn'>
  readonly audit: Audit
  readonly now: () => number
  readonly monotonic: () => number
  readonly randomId: () => string
  /** Of names; default: the system's. */
  readonly find?: Lookup | undefined
  /** From 0 to 1. */
  readonly random?: () => number
}

export interface Webhooks {
  readonly calls: WebhookCalls
  /** Begins to deliver. @throws STORE_UNAVAILABLE */
  open(): Promise<void>
  /** What is under way is answered or ended; others deliver then. */
  close(): Promise<void>
}

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { store, auth, rules = {}, limits, metrics, logger, audit, now, monotonic, randomId, version } = options
  const { find = systemLookup(rules), random = Math.random } = options
  const copy = new WebhookCopy({ store, logger, now, monotonic })
  const readers = new Readers({ store, now })
  const slots = new CallSlots(limits.webhookCalls, limits.webhookCallsOfProvider)
  const userAgent = `aedes-push/${version}`
  const makeSender = () => new Sender({ rules, find, timeoutMs: limits.webhookTimeoutMs, userAgent, now })

  /** Where it was enabled again or changed meanwhile, it stays. */
  async function disable({ id, enabledAt }: Webhook, because: DisabledReason): Promise<void> {
    let isDone = false
    const webhook = await copy.change(id, (found) => {
      isDone = found.disabled === undefined && found.enabledAt === enabledAt
      return isDone ? { ...found, disabled: { at: now(), because } } : undefined
    })
    if (!isDone) return
    metrics.webhooksDisabled.inc({ because })
    logger.warn({ webhook: id, app: webhook.app, because }, 'webhook disabled')
    audit({ action: 'webhook.disabled', by: because, id, app: webhook.app })
  }

  const couriers = new Couriers({
    store,
    copy,
    readers,
    slots,
    metrics,
    logger,
    limits: { bytes: limits.webhookBytes, scan: limits.lookupScan },
    retries: rules.retries ?? STANDARD_RETRIES,
    isAllowed: (webhook) => isAllowed(webhook, auth),
    async isCurrent({ id, place }) {
      const found = await copy.find(id)
      return found !== undefined && found.webhook.place === place && found.webhook.disabled === undefined
    },
    disable,
    makeSender,
    now,
    monotonic,
    random,
    randomId,
  })
  return {
    calls: createWebhookCalls({ auth, store, copy, readers, rules, slots, makeSender, audit, limits, now, randomId }),
    async open() {
      await copy.open()
      couriers.open()
    },
    async close() {
      copy.close()
      await couriers.close()
    },
  }
}
