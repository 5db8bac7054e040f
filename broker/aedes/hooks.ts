/**
 * The hooks of Aedes: who a user is, and what may be published, subscribed to and received by whom. It is for the embedding
 * program to say, away from push topics.
 */
import type { AedesOptions, AedesPublishPacket, Client } from 'aedes'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import { parseTopic } from '../../topics/index.ts'
import type { QoS } from '../codec/packets.ts'
import { RESERVED } from './names.ts'

interface HooksOptions {
  readonly logger: Logger
  /** What the embedding program decides. */
  readonly own: () => AedesOptions
  /** A CONNECT is refused, before Aedes says so with less. */
  readonly refused: (client: Client, error: PushError) => void
  /** The client is known, under the id of its session. */
  readonly open: (client: Client) => Promise<void>
}

export class Hooks {
  readonly #options: HooksOptions

  constructor(options: HooksOptions) {
    this.#options = options
  }

  get #own(): AedesOptions {
    return this.#options.own()
  }

  /** The granted QoS; undefined when it is refused. */
  mayShare(client: Client, topic: string, qos: QoS): Promise<QoS | undefined> {
    return new Promise((resolve) => {
      this.authorizeSubscribe(client, { topic, qos }, (error, subscription) =>
        resolve(error || !subscription ? undefined : subscription.qos),
      )
    })
  }

  preConnect(...[client, packet, callback]: Parameters<NonNullable<AedesOptions['preConnect']>>): void {
    const { subscriptions } = client as unknown as { subscriptions: object }
    Object.setPrototypeOf(subscriptions, null)
    if (this.#own.preConnect === undefined) callback(null, true)
    else this.#own.preConnect(client, packet, callback)
  }

  authenticate(...[client, username, password, done]: Parameters<NonNullable<AedesOptions['authenticate']>>): void {
    const callback: typeof done = (error, successful) => {
      // A client that is sent to another server is told where by Aedes.
      const isSentOn = error !== null && 'serverReference' in error
      if ((error || successful !== true) && !isSentOn) this.#options.refused(client, refusalOf(error))
      done(error, successful)
    }
    if (client.id.startsWith(RESERVED)) {
      callback(Object.assign(new Error('identifier rejected'), { returnCode: 2 }), false)
    } else if (this.#own.authenticate === undefined) {
      callback(Object.assign(new Error('not authorized'), { returnCode: 5 }), false)
    } else {
      this.#own.authenticate(client, username, password, (error, successful) => {
        if (!error && successful === true) this.#authenticated(client, callback)
        else callback(error, successful)
      })
    }
  }

  #authenticated(client: Client, callback: Parameters<NonNullable<AedesOptions['authenticate']>>[3]): void {
    this.#options.open(client).then(
      () => callback(null, true),
      (error: unknown) => {
        this.#options.logger.error({ err: error }, 'could not open a session')
        callback(Object.assign(new Error('server unavailable'), { returnCode: 3 }), false)
      },
    )
  }

  /** Reached by wills, and by what does not come through the gate; the rest was accepted before Aedes. */
  authorizePublish(...[client, packet, callback]: Parameters<NonNullable<AedesOptions['authorizePublish']>>): void {
    const answer = callback
    if (isReserved(packet.topic)) {
      answer(new PushError('TOPIC_FORBIDDEN', 'private and upstream topics are for providers and devices'))
    } else if (this.#own.authorizePublish === undefined) {
      // Section 4.7.2; what goes to `$share/` could be subscribed to by nobody.
      const taken = ['$SYS/', '$share/'].find((prefix) => packet.topic.startsWith(prefix))
      answer(taken === undefined ? null : new PushError('TOPIC_FORBIDDEN', `${taken} is reserved`))
    } else {
      this.#own.authorizePublish(client, packet, answer)
    }
  }

  authorizeSubscribe(
    ...[client, subscription, callback]: Parameters<NonNullable<AedesOptions['authorizeSubscribe']>>
  ): void {
    if (this.#own.authorizeSubscribe === undefined) {
      callback(null, subscription)
    } else {
      this.#own.authorizeSubscribe(client, subscription, callback)
    }
  }

  authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null | void {
    if (this.#own.authorizeForward === undefined) return packet
    return this.#own.authorizeForward(client, packet)
  }
}

/** What an `authenticate` says, in the words of the catalogue; the codes on the wire are those that Aedes sends. */
function refusalOf(error: object | null): PushError {
  const { returnCode } = (error ?? {}) as { returnCode?: unknown }
  switch (returnCode) {
    case 2:
      return new PushError('CLIENT_ID_INVALID')
    case 3:
      return new PushError('USER_UNCHECKED')
    case 4:
      return new PushError('CREDENTIALS_INVALID')
    default:
      return new PushError('USER_REFUSED')
  }
}

function isReserved(topic: string): boolean {
  const kind = parseTopic(topic)?.kind
  return kind === 'private' || kind === 'upstream'
}
