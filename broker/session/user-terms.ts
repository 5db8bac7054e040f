/**
 * The limits that currently apply to users: those of the process, unless the rules for general topics override them.
 */
import type { Limits } from '../../common/limits.ts'
import { PushError } from '../../errors.ts'
import type { ConnectPacket, ProtocolLevel, QoS } from '../codec/packets.ts'
import type { GeneralRules } from './general-rules.ts'
import type { ListenerRules } from './listener-rules.ts'
import { TIMES_BEFORE_5 } from './publish-turns.ts'

type TermLimits = Pick<
  Limits,
  'window' | 'receiveMaximum' | 'queuedMessages' | 'queuedBytes' | 'sessionExpiry' | 'maximumPacketSize'
>

/** Unacknowledged messages to one user, whatever is said: each kind has so many packet ids (`user-log.ts`, `user-shared.ts`). */
const LARGEST_WINDOW = 16_000
const LARGEST_QOS = 2
/** Section 2.1.4: the largest there is. */
const LARGEST_PACKET = 268_435_460

/** What Mosquitto is administered by. There is nobody here to hear it, and who subscribes to it hears no secrets. */
export const CONTROL = '$CONTROL/'

export class UserTerms {
  readonly #limits: TermLimits
  readonly #rules: GeneralRules

  constructor(limits: TermLimits, rules: GeneralRules) {
    this.#limits = limits
    this.#rules = rules
  }

  get window(): number {
    const window = this.#rules.window ?? this.#limits.window
    return window === 0 ? LARGEST_WINDOW : Math.min(window, LARGEST_WINDOW)
  }

  /** As users are told; undefined: nothing is said of it. */
  get receiveMaximum(): number | undefined {
    const { window } = this.#rules
    if (window === undefined) return this.#limits.receiveMaximum
    return window === 0 ? undefined : Math.min(window, 0xffff)
  }

  /**
   * QoS 2 messages of one client that wait for PUBREL [MQTT-3.3.4-9]: those above the Receive Maximum too, where the rules say how
   * many go out, as Mosquitto takes them, and before MQTT 5, where nobody is told of it.
   */
  mostReceived(level: ProtocolLevel): number {
    const { receiveMaximum } = this.#limits
    const { window } = this.#rules
    if (level === 5 && window === undefined) return receiveMaximum
    return Math.max(receiveMaximum * TIMES_BEFORE_5, window === 0 ? 0xffff : (window ?? 0))
  }

  get queuedMessages(): number {
    return orNone(this.#rules.queuedMessages ?? this.#limits.queuedMessages)
  }

  get queuedBytes(): number {
    return orNone(this.#rules.queuedBytes ?? this.#limits.queuedBytes)
  }

  /** 0: none. */
  get sessionExpiry(): number {
    return this.#rules.sessionExpiry ?? this.#limits.sessionExpiry
  }

  get maximumPacketSize(): number {
    const size = this.#rules.maximumPacketSize ?? this.#limits.maximumPacketSize
    return size === 0 ? LARGEST_PACKET : Math.min(size, LARGEST_PACKET)
  }

  get payloadBytes(): number {
    return orNone(this.#rules.payloadBytes ?? 0)
  }

  get retainAvailable(): boolean {
    return this.#rules.retainAvailable !== false
  }

  get upgradesQos(): boolean {
    return this.#rules.upgradeOutgoingQos === true
  }

  get checksRetainSource(): boolean {
    return this.#rules.checkRetainSource === true
  }

  /** Before MQTT 5 a denied PUBLISH is acknowledged and dropped. */
  get dropsDenied(): boolean {
    return this.#rules.deniedPublish !== 'close'
  }

  /** The first level of a topic or filter is an app's, which users leave alone. */
  isReserved(topic: string): boolean {
    const apps = this.#rules.reservedApps
    if (apps === undefined || apps.length === 0) return false
    const slash = topic.indexOf('/')
    return apps.includes(slash < 0 ? topic : topic.slice(0, slash))
  }

  /** Seconds that a client which asks for this is told to keep [MQTT-3.1.2-21]; undefined: what it asks for holds. */
  keepAlive({ keepAlive, level }: Pick<ConnectPacket, 'keepAlive' | 'level'>): number | undefined {
    const most = this.#rules.maximumKeepAlive ?? 0
    if (most === 0 || (keepAlive > 0 && keepAlive <= most)) return undefined
    // Before MQTT 5 nobody can be told another one.
    if (level !== 5) throw new PushError('KEEP_ALIVE_TOO_LONG')
    return most
  }

  /** @throws PushError that refuses a CONNECT for what its will is */
  checkWill({ will }: ConnectPacket, rules: ListenerRules): void {
    if (will === undefined) return
    if (will.topic.startsWith(CONTROL)) throw new PushError('TOPIC_FORBIDDEN', `${CONTROL} is reserved`)
    // [MQTT-3.2.2-13]
    if (will.retain && !this.retainAvailable) throw new PushError('RETAIN_UNSUPPORTED')
    // [MQTT-3.2.2-12]
    if (will.qos > maximumQosOf(rules)) throw new PushError('QOS_UNSUPPORTED')
    if (will.payload.byteLength > this.payloadBytes) throw new PushError('PAYLOAD_TOO_LARGE', 'of the will')
  }
}

export function maximumQosOf({ maximumQos = LARGEST_QOS }: ListenerRules): QoS {
  return maximumQos
}

function orNone(limit: number): number {
  return limit === 0 ? Number.POSITIVE_INFINITY : limit
}
