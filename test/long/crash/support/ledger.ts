/** What was sent, what was accepted, and what arrived where: the books of a crash test. */

import type { Test } from 'tap'

export type Kind = 'private' | 'broadcast'

interface Entry {
  readonly publisher: string
  readonly sequence: number
  readonly kind: Kind
  readonly receivers: ReadonlySet<string>
  accepted: boolean
}

export interface Account {
  /** Messages that were accepted. */
  readonly accepted: number
  /** Deliveries that the accepted messages make, each device once. */
  readonly owed: number
  readonly delivered: number
  /** Accepted, and not delivered to a device it was for. */
  readonly lost: readonly string[]
  /** Deliveries of the same message to the same device after the first. */
  readonly duplicated: number
  /** Delivered to a device it was not for. */
  readonly misdelivered: readonly string[]
  /** Delivered, and never sent by anybody. */
  readonly unexpected: readonly string[]
  /** Accepted messages of one publisher that a device first saw in another order than they were sent in. */
  readonly outOfOrder: readonly string[]
  /** Without an answer, and delivered all the same, which is allowed. */
  readonly unanswered: number
}

export class Ledger {
  readonly #sent = new Map<string, Entry>()
  /** Device to the texts in the order of their first arrival. */
  readonly #arrived = new Map<string, Map<string, number>>()
  readonly #waiting: { condition: () => boolean; resolve: () => void }[] = []
  #accepted = 0
  #arrivals = 0

  get acceptedCount(): number {
    return this.#accepted
  }

  get arrivalCount(): number {
    return this.#arrivals
  }

  /** Before it leaves. The text is the message's name. */
  sending(text: string, publisher: string, sequence: number, kind: Kind, receivers: Iterable<string>): void {
    this.#sent.set(text, { publisher, sequence, kind, receivers: new Set(receivers), accepted: false })
  }

  /** Its 202 or PUBACK is here. */
  accepted(text: string): void {
    const entry = this.#sent.get(text)
    if (entry === undefined) throw new Error(`${text} was accepted before it was sent`)
    if (entry.accepted) return
    entry.accepted = true
    this.#accepted += 1
    this.#look()
  }

  arrived(device: string, text: string): void {
    const texts = this.#arrived.get(device) ?? new Map<string, number>()
    this.#arrived.set(device, texts.set(text, (texts.get(text) ?? 0) + 1))
    this.#arrivals += 1
    this.#look()
  }

  has(device: string, text: string): boolean {
    return this.#arrived.get(device)?.has(text) === true
  }

  /** Resolves when the books fulfil a condition. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ condition, resolve }))
  }

  account(): Account {
    let [owed, delivered, duplicated, unanswered] = [0, 0, 0, 0]
    const lost: string[] = []
    const misdelivered: string[] = []
    const unexpected: string[] = []
    for (const [text, { receivers, accepted }] of this.#sent) {
      for (const device of receivers) {
        if (accepted) owed += 1
        else if (this.has(device, text)) unanswered += 1
        if (accepted && !this.has(device, text)) lost.push(`${text} to ${device}`)
      }
    }
    for (const [device, texts] of this.#arrived) {
      for (const [text, times] of texts) {
        const entry = this.#sent.get(text)
        if (entry === undefined) unexpected.push(`${text} to ${device}`)
        else if (!entry.receivers.has(device)) misdelivered.push(`${text} to ${device}`)
        else delivered += 1
        duplicated += times - 1
      }
    }
    const outOfOrder = this.#outOfOrder()
    return {
      accepted: this.#accepted,
      owed,
      delivered,
      lost,
      duplicated,
      misdelivered,
      unexpected,
      outOfOrder,
      unanswered,
    }
  }

  #outOfOrder(): string[] {
    const found: string[] = []
    for (const [device, texts] of this.#arrived) {
      const last = new Map<string, number>()
      for (const text of texts.keys()) {
        const entry = this.#sent.get(text)
        if (entry?.accepted !== true) continue
        const line = `${entry.publisher} ${entry.kind}`
        if (entry.sequence < (last.get(line) ?? 0)) found.push(`${text} to ${device}`)
        last.set(line, Math.max(entry.sequence, last.get(line) ?? 0))
      }
    }
    return found
  }

  #look(): void {
    for (let at = this.#waiting.length - 1; at >= 0; at--) {
      const waiting = this.#waiting[at]
      if (waiting?.condition() !== true) continue
      this.#waiting.splice(at, 1)
      waiting.resolve()
    }
  }
}

type Faults = Pick<Account, 'lost' | 'misdelivered' | 'unexpected' | 'outOfOrder'>

/** What no crash may do. The order is for the caller to judge. */
export function checkFaults(t: Pick<Test, 'comment' | 'same'>, faults: Faults): void {
  t.comment(
    Object.entries(faults)
      .map(([name, list]) => `${name} ${list.length}`)
      .join(', '),
  )
  t.same(faults.lost, [], 'nothing is lost')
  t.same(faults.misdelivered, [], 'nothing is misdelivered')
  t.same(faults.unexpected, [], 'nothing comes out of nowhere')
}
