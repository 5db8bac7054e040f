/**
 * Aedes stores a retained message before it emits it, and emits other messages meanwhile. So messages of a publisher
 * wait here until its earlier retained messages have been emitted [MQTT-4.6.0-6].
 */
import type { GeneralMessage } from '../session/general.ts'

/**
 * Aedes reports nothing about messages that its persistence does not retain: after this time, waiting messages proceed,
 * ms.
 */
const LONGEST_MS = 5_000

interface Turn {
  readonly packet: object
  readonly timer: NodeJS.Timeout
  readonly waiting: [message: GeneralMessage, packet: object, tell: () => void][]
}

export class TellTurns {
  readonly #longestMs: number
  /** By publisher, what is being retained. */
  readonly #turns = new Map<string, Turn>()
  readonly #publishers = new WeakMap<object, string>()

  constructor(longestMs = LONGEST_MS) {
    this.#longestMs = longestMs
  }

  /** `packet` is what it is known by when it is emitted. */
  take(message: GeneralMessage, packet: object, tell: () => void): void {
    const { from, retain } = message
    const turn = this.#turns.get(from)
    if (turn !== undefined) {
      turn.waiting.push([message, packet, tell])
      return
    }
    if (retain) {
      this.#publishers.set(packet, from)
      const timer = setTimeout(() => this.#giveUp(from, packet), this.#longestMs).unref()
      this.#turns.set(from, { packet, timer, waiting: [] })
    }
    tell()
  }

  /** All of it goes at once: one after the other they would wait forever longer, and be ever more. */
  #giveUp(from: string, packet: object): void {
    const turn = this.#turns.get(from)
    if (turn?.packet !== packet) return
    this.#turns.delete(from)
    for (const [, , tell] of turn.waiting) tell()
  }

  emitted(packet: object): void {
    const from = this.#publishers.get(packet)
    const turn = from === undefined ? undefined : this.#turns.get(from)
    if (from === undefined || turn?.packet !== packet) return
    clearTimeout(turn.timer)
    this.#turns.delete(from)
    for (const [message, next, tell] of turn.waiting) this.take(message, next, tell)
  }
}
