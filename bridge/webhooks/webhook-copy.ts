/** The webhooks of the store, as a copy in every process that is at most a second old. */
import type { FastifyBaseLogger } from 'fastify'
import { PushError } from '../../errors.ts'
import type { Store } from '../../store/contract.ts'
import { TableCopy } from '../../store/table-copy.ts'
import { decodeWebhook, encodeWebhook, type Webhook, WEBHOOKS_TABLE } from './webhook-row.ts'

interface WebhookCopyOptions {
  readonly store: Store
  readonly logger: Pick<FastifyBaseLogger, 'debug' | 'warn'>
  readonly now: () => number
  readonly monotonic: () => number
}

interface Found {
  readonly webhook: Webhook
  readonly version: number
}

/** Others may change it at the same time; who does not come to it is told to try again. */
const TRIES = 10

export class WebhookCopy {
  readonly #store: Store
  readonly #copy: TableCopy<Webhook>
  #changed: (id: string) => void = () => undefined

  constructor({ logger, ...options }: WebhookCopyOptions) {
    this.#store = options.store
    this.#copy = new TableCopy({
      ...options,
      table: WEBHOOKS_TABLE,
      decode: decodeWebhook,
      changed: (id) => this.#changed(id),
      failed(error) {
        const isAway = error instanceof PushError && error.code === 'STORE_UNAVAILABLE'
        // That the store is unavailable is said by others, and once.
        logger[isAway ? 'debug' : 'warn']({ err: error }, 'could not follow the webhooks')
      },
    })
  }

  /** @throws STORE_UNAVAILABLE */
  async open(): Promise<void> {
    await this.#copy.open()
  }

  close(): void {
    this.#copy.close()
  }

  /** In any order. */
  all(): Webhook[] {
    return Array.from(this.#copy.entries(), ([, webhook]) => webhook)
  }

  get(id: string): Webhook | undefined {
    return this.#copy.get(id)
  }

  /** Has what was written before the call. @throws STORE_UNAVAILABLE */
  async refresh(): Promise<void> {
    await this.#copy.refresh()
  }

  onChange(listener: (id: string) => void): void {
    this.#changed = listener
  }

  /** As the store has it now. @throws STORE_UNAVAILABLE */
  async find(id: string): Promise<Found | undefined> {
    const row = await this.#store.readRow(WEBHOOKS_TABLE, id)
    const webhook = row && decodeWebhook(id, row.value)
    return row === undefined || webhook === undefined ? undefined : { webhook, version: row.version }
  }

  /** False: its id is taken. */
  async add(webhook: Webhook): Promise<boolean> {
    return await this.#write(webhook.id, webhook, 0)
  }

  /**
   * `make` gives what it is to be from what it is; undefined: it stays. Returns it as it is then.
   * @throws what `make` throws; WEBHOOK_UNKNOWN, STORE_UNAVAILABLE
   */
  async change(id: string, make: (webhook: Webhook) => Webhook | undefined): Promise<Webhook> {
    for (let tries = 0; tries < TRIES; tries++) {
      const found = await this.find(id)
      if (found === undefined) throw new PushError('WEBHOOK_UNKNOWN')
      const made = make(found.webhook)
      if (made === undefined) return found.webhook
      if (await this.#write(id, made, found.version)) return made
    }
    throw new PushError('STORE_UNAVAILABLE', 'others are changing this webhook at the same time')
  }

  async remove(id: string): Promise<void> {
    await this.#store.writeRow({ table: WEBHOOKS_TABLE, key: id, isUrgent: true })
    await this.#copy.refresh()
  }

  async #write(id: string, webhook: Webhook, expected: number): Promise<boolean> {
    const value = encodeWebhook(webhook)
    const write = { table: WEBHOOKS_TABLE, key: id, value, expected, isUrgent: webhook.disabled !== undefined }
    if ((await this.#store.writeRow(write)) === undefined) return false
    await this.#copy.refresh()
    return true
  }
}
