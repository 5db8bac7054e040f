/** What was sent, what was accepted, and what arrived where: the books of a crash test. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'

/** Of general topics: what is published with QoS 1, and what with QoS 2. */
export type Kind = 'private' | 'broadcast' | 'upstream' | 'general' | 'exactly once'

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
  /** Those of them that devices sent. */
  readonly acceptedUpstream: number
  /** Those that users sent to general topics. */
  readonly acceptedGeneral: number
  /** Deliveries that the accepted messages make, each device once. */
  readonly owed: number
  readonly delivered: number
  /** Accepted, and not delivered to a device it was for. */
  readonly lost: readonly string[]
  /** Deliveries of the same message to the same device after the first; of general topics they are counted by themselves. */
  readonly duplicated: number
  readonly duplicatedGeneral: number
  /** Exactly once, and delivered more often. */
  readonly repeated: readonly string[]
  /** Delivered to a device it was not for. */
  readonly misdelivered: readonly string[]
  /** Delivered, and never sent by anybody. */
  readonly unexpected: readonly string[]
  /** Accepted messages of one publisher that a device first saw in another order than they were sent in. */
  readonly outOfOrder: readonly string[]
  /** What else was promised, and is not so. */
  readonly broken: readonly string[]
  /** Without an answer, and delivered all the same, which is allowed. */
  readonly unanswered: number
}

/** What a node claimed that was killed is free after a minute. */
const LONGEST_MS = 150_000

export class Ledger {
  readonly #sent = new Map<string, Entry>()
  /** Device to the texts in the order of their first arrival. */
  readonly #arrived = new Map<string, Map<string, number>>()
  readonly #waiting: { condition: () => boolean; resolve: () => void }[] = []
  readonly #sequences = new Map<string, number>()
  readonly #broken: string[] = []
  #accepted = 0
  #arrivals = 0
  /** Publishes upstream and of users that wait for their answer. */
  #unanswered = 0

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

  /** The number of the next message of a publisher. */
  nextSequence(publisher: string): number {
    const next = (this.#sequences.get(publisher) ?? 0) + 1
    this.#sequences.set(publisher, next)
    return next
  }

  /** Something was promised and is not so. */
  broken(promise: string): void {
    this.#broken.push(promise)
  }

  /** A publish upstream or of a user begins; returns how to say that it is over, answered or not. */
  publishBegins(): () => void {
    this.#unanswered += 1
    return () => {
      this.#unanswered -= 1
      this.#look()
    }
  }

  /**
   * Resolves when no publish upstream or of a user waits for its answer, and what was accepted has arrived everywhere; or when
   * that takes so long that it never will.
   */
  async everythingArrived(): Promise<void> {
    await Promise.race([this.#everythingArrived(), pause(LONGEST_MS, undefined, { ref: false })])
  }

  async #everythingArrived(): Promise<void> {
    await this.until(() => this.#unanswered === 0)
    const owed: (readonly [text: string, reader: string])[] = []
    for (const [text, { kind, accepted, receivers }] of this.#sent) {
      if (kind !== 'private' && kind !== 'broadcast' && accepted)
        for (const reader of receivers) owed.push([text, reader])
    }
    await this.until(() => {
      for (let last = owed.at(-1); last !== undefined && this.has(last[1], last[0]); last = owed.at(-1)) owed.pop()
      return owed.length === 0
    })
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
    let [owed, delivered, duplicated, unanswered, acceptedUpstream] = [0, 0, 0, 0, 0]
    let [acceptedGeneral, duplicatedGeneral] = [0, 0]
    const repeated: string[] = []
    const lost: string[] = []
    const misdelivered: string[] = []
    const unexpected: string[] = []
    for (const [text, { kind, receivers, accepted }] of this.#sent) {
      if (accepted && kind === 'upstream') acceptedUpstream += 1
      if (accepted && isGeneral(kind)) acceptedGeneral += 1
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
        if (entry !== undefined && isGeneral(entry.kind)) duplicatedGeneral += times - 1
        else duplicated += times - 1
        if (entry?.kind === 'exactly once' && times > 1) repeated.push(`${text} to ${device}, ${times} times`)
      }
    }
    const outOfOrder = this.#outOfOrder()
    return {
      accepted: this.#accepted,
      acceptedUpstream,
      acceptedGeneral,
      duplicatedGeneral,
      repeated,
      broken: this.#broken,
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

function isGeneral(kind: Kind): boolean {
  return kind === 'general' || kind === 'exactly once'
}

type Faults = Pick<Account, 'lost' | 'misdelivered' | 'unexpected' | 'outOfOrder' | 'broken' | 'repeated'>

/** What no crash may do. The order is for the caller to judge. */
export function checkFaults(t: Pick<Test, 'comment' | 'same'>, faults: Faults): void {
  t.comment(
    Object.entries(faults)
      .map(([name, list]) => `${name} ${list.length}`)
      .join(', '),
  )
  t.same(faults.lost, [], 'nothing is lost')
  t.same(faults.misdelivered, [], 'nothing is misdelivered')
  t.same(faults.repeated, [], 'what is to be exactly once is')
  t.same(faults.broken, [], 'no kept session is gone')
  t.same(faults.unexpected, [], 'nothing comes out of nowhere')
}
