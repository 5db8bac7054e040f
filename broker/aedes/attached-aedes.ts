/**
 * The Aedes of an embedding program as the router of general topics: it passes messages of users to its clients, and
 * messages of its clients and the program to users. It acknowledges before it stores, so nothing here waits for it.
 */
import type { Aedes, AedesPublishPacket } from 'aedes'
import type { GeneralMessage } from '../session/general.ts'
import { messageOf, nativePacketOf } from './native-packet.ts'
import { isObjectName } from './object-names.ts'
import type { GeneralBroker } from './own-aedes.ts'
import type { Publication } from './publication.ts'
import type { RetainedMessages } from './retained-topics.ts'
import { TellTurns } from './tell-turns.ts'

interface AttachedAedesOptions {
  readonly broker: Aedes
  /** Of users: those of the broker's clients are in its own persistence as well. */
  readonly retained: RetainedMessages
  readonly now: () => number
  readonly randomId: () => string
  /** It is retained, or has failed: calls back when it has left. */
  readonly emit: (publication: Publication, left: () => void) => void
  /** From a client of the broker, or the program. Must not throw. */
  readonly heard: (message: GeneralMessage) => void
}

type Listener = Parameters<Aedes['subscribe']>[1]

/** What Aedes tells itself. */
const SYS = '$SYS/'

export async function attachAedes(options: AttachedAedesOptions): Promise<GeneralBroker> {
  const { broker, retained, now, randomId, emit, heard } = options
  /** Properties of packets from here, recognised by the identity of the object. */
  const ours = new WeakSet<object>()
  const natives = new WeakSet<GeneralMessage>()
  const turns = new TellTurns()

  const listener: Listener = (packet, done) => {
    done()
    if (packet.topic.startsWith(SYS) || isOurs(packet) || isOfAnotherNode(packet)) return
    const message = messageOf(packet, { from: '', id: randomId(), now: now() })
    natives.add(message)
    heard(message)
  }

  function isOurs({ properties }: AedesPublishPacket): boolean {
    return properties !== undefined && ours.has(properties)
  }

  /** Which has told its own users of it, here too. */
  function isOfAnotherNode({ brokerId }: AedesPublishPacket): boolean {
    return brokerId !== undefined && brokerId !== broker.id
  }

  function tell(message: GeneralMessage): void {
    const packet = nativePacketOf(message, now())
    ours.add(packet.properties)
    // To who has QoS 1 and more, Aedes looks the topic up in a plain object.
    const safe = isObjectName(message.topic) ? { ...packet, qos: 0 as const } : packet
    turns.take(message, packet.properties, () => broker.publish(safe, () => turns.emitted(packet.properties)))
  }

  await new Promise<void>((resolve) => broker.subscribe('#', listener, resolve))
  return {
    async publish(publication) {
      const { message } = publication
      try {
        if (message.retain) await retained.retain(message)
      } catch (error) {
        publication.fail(error)
      }
      await new Promise<void>((resolve) => emit(publication, resolve))
      if (publication.error !== undefined || natives.has(message)) return
      // Aedes does not tell who listens there.
      publication.isHeard = true
      tell(message)
    },
    close: () => new Promise((resolve) => broker.unsubscribe('#', listener, resolve)),
  }
}
