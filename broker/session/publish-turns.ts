/**
 * PUBLISH packets of one connection that are being stored, several at a time. Their acknowledgements leave in the order
 * of the packets [MQTT-4.6.0-2]. The store keeps the order of the calls too.
 */
import { PushError } from '../../errors.ts'
import type { ProtocolLevel } from '../codec/packets.ts'

interface TurnsContext {
  readonly connection: { readonly open: boolean; write(bytes: Uint8Array): void }
  readonly receiveMaximum: number
}

export interface Turn {
  readonly bytes: number
  /** The acknowledgement, once it is known; none for QoS 0. */
  answer: Uint8Array | undefined
}

/**
 * Another QoS 2 message, whose PUBREL has not come, may be taken [MQTT-3.3.4-9]. It cannot wait unread: PUBREL comes on the
 * same way. Before MQTT 5 nobody tells a client of a Receive Maximum, so that it has more room.
 * @throws RECEIVE_MAXIMUM_EXCEEDED
 */
export function checkReceiveMaximum(level: ProtocolLevel, receiveMaximum: number, received: ReadonlySet<number>): void {
  const most = level === 5 ? receiveMaximum : receiveMaximum * TIMES_BEFORE_5
  if (received.size >= most) throw new PushError('RECEIVE_MAXIMUM_EXCEEDED')
}

/** All of them are kept with a session. */
export const TIMES_BEFORE_5 = 10
/** Of payloads; one packet always fits. */
const MOST_BYTES = 1024 ** 2
const NOTHING = new Uint8Array(0)

export class PublishTurns {
  readonly #context: TurnsContext
  readonly #turns: Turn[] = []
  #bytes = 0
  #changed: (() => void) | undefined

  constructor(context: TurnsContext) {
    this.#context = context
  }

  begin(bytes: number): Turn {
    const turn: Turn = { bytes, answer: undefined }
    this.#turns.push(turn)
    this.#bytes += bytes
    return turn
  }

  /** It is stored, or refused: this says so. */
  end(turn: Turn, answer: Uint8Array = NOTHING): void {
    turn.answer = answer
    let ready = 0
    for (let each = this.#turns[0]; each?.answer !== undefined; each = this.#turns[ready]) {
      if (each.answer !== NOTHING) this.#context.connection.write(each.answer)
      this.#bytes -= each.bytes
      ready += 1
    }
    if (ready === 0) return
    this.#turns.splice(0, ready)
    this.#changed?.()
  }

  /**
   * Resolves when the next packet may be read; undefined if it may be now. A client that exceeds the Receive Maximum
   * waits: some clients ignore it, and before MQTT 5 it does not exist.
   */
  room(): Promise<void> | undefined {
    return this.#isFull() ? this.#until(() => !this.#isFull()) : undefined
  }

  /** Everything that was published is answered: what comes next is in order. */
  async settled(): Promise<void> {
    await this.#until(() => this.#turns.length === 0)
  }

  /** The connection is over: nobody waits any more. */
  close(): void {
    this.#changed?.()
  }

  #isFull(): boolean {
    return this.#turns.length >= this.#context.receiveMaximum || this.#bytes >= MOST_BYTES
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && this.#context.connection.open) await new Promise<void>((resolve) => (this.#changed = resolve))
  }
}
