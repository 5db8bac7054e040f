/** The session of a bridge at this broker: messages for the other one wait in its log. */
import { duplexPair, type Duplex } from 'node:stream'
import { localConnectOf } from './connect-packet.ts'
import { inPieces, localSubscriptions, retainsOf, stateOf } from './exchange.ts'
import { Link } from './link.ts'
import type { Setup } from './setup.ts'
import type { TopicMap } from './topic-map.ts'

export interface LocalSideOptions {
  /** Serves a connection to this broker, of a user of this name who may do everything. */
  readonly serve: (stream: Duplex, username: string) => void
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number
}

const TIMEOUT_MS = 20_000
/** A packet of MQTT has no more, bytes. */
const LONGEST = 268_435_460
const MOST_RECEIVED = 65_535

export interface Counting {
  /** Resolves when so many have come as the bridge is to wait for. */
  readonly enough: Promise<void>
  end(): Promise<void>
}

export class LocalSide {
  readonly #options: LocalSideOptions
  /** Its subscriptions are there, as the configuration has them, until this time. */
  #preparedUntil = 0
  #isAnnounced = false
  /** The session was new, and no other broker has been met since. */
  isNew = false
  /** Bytes of a packet that this broker takes. */
  longest = LONGEST
  /** Messages that it takes unacknowledged. */
  receiveMaximum = MOST_RECEIVED

  constructor(options: LocalSideOptions) {
    this.#options = options
  }

  /** It has other subscriptions now. */
  changed(): void {
    this.#preparedUntil = 0
  }

  /** It is there and subscribed, so that what is published while the other broker is away waits in its log. */
  async prepare(setup: Setup): Promise<void> {
    const { monotonic } = this.#options
    if (monotonic() < this.#preparedUntil) return
    const { bridge, topics } = setup
    const link = await this.#connect(setup, 1)
    const { sessionExpiryInterval = Infinity } = link.connack.properties ?? {}
    try {
      link.start({ packet: () => undefined, long: () => undefined, drained: () => undefined })
      if (!bridge.localCleanSession)
        // What it has is not sent now.
        for (const [at, subscriptions] of inPieces(localSubscriptions(topics)).entries())
          await link.request({
            cmd: 'subscribe',
            messageId: at + 1,
            subscriptions: subscriptions.map((each) => ({ ...each, rh: NO_RETAINED })),
          })
      if (bridge.notifications && !this.#isAnnounced) link.send(stateOf(bridge, '0', retainsOf(link)))
      this.#isAnnounced = true
    } finally {
      await link.end()
    }
    // A session that is kept for some time only is looked after in between.
    this.#preparedUntil = monotonic() + (sessionExpiryInterval * 1000) / 2
  }

  /** For the time of a connection to the other broker, which takes so many messages unacknowledged. */
  async open(setup: Setup, receiveMaximum: number): Promise<Link> {
    const link = await this.#connect(setup, receiveMaximum)
    if (!setup.bridge.localCleanSession) return link
    this.#preparedUntil = 0
    return link
  }

  /**
   * Counts messages from when it resolves on, as they come to the log of a lazy bridge: beside it, a clean session with the
   * same subscriptions gets them too.
   */
  async count(setup: Setup): Promise<Counting> {
    const { bridge, topics } = setup
    const link = await this.#connect(setup, MOST_RECEIVED, `${bridge.localClientId}.waiting`)
    let count = 0
    const enough = new Promise<void>((resolve) => {
      // Who cannot count any more looks.
      link.closed.then(() => resolve(), resolve)
      link.start({
        packet(packet) {
          const id = packet.messageId ?? 0
          if (packet.cmd === 'pubrel') return link.acknowledge('pubcomp', id)
          if (packet.cmd !== 'publish' || packet.qos === 0) return
          link.acknowledge(packet.qos === 1 ? 'puback' : 'pubrec', id)
          count += 1
          if (count >= bridge.threshold) resolve()
        },
        long: () => undefined,
        drained: () => undefined,
      })
    })
    await subscribe(link, topics)
    return { enough, end: () => link.end() }
  }

  async #connect({ bridge }: Setup, receiveMaximum: number, clientId = bridge.localClientId): Promise<Link> {
    const { serve, monotonic } = this.#options
    const [theirs, ours] = duplexPair()
    const opened = Link.open(ours, {
      connect:
        clientId === bridge.localClientId
          ? localConnectOf(bridge, receiveMaximum)
          : { ...localConnectOf({ ...bridge, localCleanSession: true }, receiveMaximum), clientId },
      level: 5,
      longest: LONGEST,
      timeoutMs: TIMEOUT_MS,
      monotonic,
    })
    serve(theirs, bridge.localUsername ?? '')
    const link = await opened
    const { maximumPacketSize = LONGEST } = link.connack.properties ?? {}
    this.longest = maximumPacketSize
    this.receiveMaximum = link.connack.properties?.receiveMaximum ?? MOST_RECEIVED
    if (clientId === bridge.localClientId && !link.connack.sessionPresent) this.isNew = true
    return link
  }
}

/** Retain Handling of a SUBSCRIBE. */
const NO_RETAINED = 2

/** To what the bridge sends, except for retained messages that are there. */
async function subscribe(link: Link, topics: TopicMap): Promise<void> {
  for (const [at, piece] of inPieces(localSubscriptions(topics)).entries()) {
    const subscriptions = piece.map((each) => ({ ...each, rh: NO_RETAINED }))
    await link.request({ cmd: 'subscribe', messageId: at + 1, subscriptions })
  }
}
