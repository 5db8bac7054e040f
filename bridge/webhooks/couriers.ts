/** The webhooks that this node delivers. */
import { Slots } from '../../common/slots.ts'
import type { UpstreamEntry } from '../../store/contract.ts'
import { appOfEventLog } from '../../store/contract.ts'
import { Courier, type CourierContext } from './courier.ts'
import { Members } from './members.ts'
import type { WebhookCopy } from './webhook-copy.ts'

interface CouriersContext extends Omit<CourierContext, 'members' | 'pages'> {
  readonly copy: WebhookCopy
}

/** Pages of events that are read for webhooks at one time. */
const PAGES = 8
/** Keys end also without anybody changing them, ms. */
const KEY_LOOK_MS = 1_000
/** What is under way when the server closes has so long to be answered, ms. */
const LAST_CALLS_MS = 3_000

export class Couriers {
  readonly #context: CouriersContext
  readonly #members: Members
  readonly #pages = new Slots(PAGES)
  readonly #running = new Map<string, Courier>()
  readonly #byApp = new Map<string, Set<Courier>>()
  /** Of those that stop. */
  readonly #ending = new Map<string, Promise<void>>()
  #stopWatching: () => void = () => undefined
  #timer: NodeJS.Timeout | undefined
  #isOpen = false

  constructor(context: CouriersContext) {
    const { store, now, monotonic, logger } = context
    this.#context = context
    this.#members = new Members({
      store,
      now,
      monotonic,
      failed: (error) => logger.debug({ err: error }, 'could not tell other nodes which webhooks this one delivers'),
      changed: () => this.#recheck(),
    })
  }

  open(): void {
    this.#isOpen = true
    const nothing = (): void => undefined
    this.#stopWatching = this.#context.store.watch({
      upstreamAppended: (log, part, offset, entry) => this.#heard(log, part, offset, entry),
      resync: () => this.#all((courier) => courier.doubt()),
      privateAppended: nothing,
      broadcastAppended: nothing,
      sessionEnded: nothing,
      cursorMoved: nothing,
      cursorsLost: nothing,
    })
    this.#context.copy.onChange((id) => this.#settle(id))
    this.#timer = setInterval(() => this.#all((courier) => courier.lookAtKey()), KEY_LOOK_MS).unref()
    this.#members.start()
    this.#reconcile()
  }

  async close(): Promise<void> {
    this.#isOpen = false
    clearInterval(this.#timer)
    this.#stopWatching()
    const late = setTimeout(() => this.#all((courier) => courier.abort()), LAST_CALLS_MS)
    for (const id of this.#running.keys()) this.#stop(id)
    await Promise.all(this.#ending.values())
    clearTimeout(late)
    await this.#members.close()
  }

  #recheck(): void {
    this.#all((courier) => courier.recheck())
    this.#reconcile()
  }

  #reconcile(): void {
    const ids = this.#context.copy.all().map(({ id }) => id)
    for (const id of new Set([...this.#running.keys(), ...ids])) this.#settle(id)
  }

  /** One that is enabled is delivered by one of the nodes, which all find the same one. */
  #settle(id: string): void {
    if (!this.#isOpen) return
    const courier = this.#running.get(id)
    const webhook = this.#context.copy.get(id)
    const isMine = webhook !== undefined && webhook.disabled === undefined && this.#members.isMine(id)
    if (courier !== undefined) {
      if (courier.isStopped || !isMine) this.#stop(id)
      else if (courier.webhook !== webhook) courier.change(webhook)
    } else if (isMine && this.#members.isSure) {
      const context = { ...this.#context, members: this.#members, pages: this.#pages }
      this.#add(new Courier(context, webhook))
    }
  }

  #add(courier: Courier): void {
    const { id, app } = courier.webhook
    this.#running.set(id, courier)
    const ofApp = this.#byApp.get(app) ?? new Set()
    this.#byApp.set(app, ofApp.add(courier))
  }

  #remove(courier: Courier): void {
    const { id, app } = courier.webhook
    this.#running.delete(id)
    const ofApp = this.#byApp.get(app)
    ofApp?.delete(courier)
    if (ofApp?.size === 0) this.#byApp.delete(app)
  }

  #stop(id: string): void {
    const courier = this.#running.get(id)
    if (courier === undefined || this.#ending.has(id)) return
    const ended = courier.stop().finally(() => {
      this.#ending.delete(id)
      this.#remove(courier)
      this.#settle(id)
    })
    this.#ending.set(id, ended)
  }

  #heard(log: string, part: number, offset: number, entry: UpstreamEntry | undefined): void {
    // What is only told (QoS 0) is for who is connected.
    if (offset === 0) return
    for (const courier of this.#byApp.get(appOfEventLog(log) ?? log) ?? []) courier.heard(log, part, offset, entry)
  }

  #all(work: (courier: Courier) => void): void {
    for (const courier of this.#running.values()) work(courier)
  }
}
