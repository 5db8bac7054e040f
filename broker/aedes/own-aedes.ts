/** An Aedes of ours: it routes, and handles no connection. */
import type { EventEmitter } from 'node:events'
import { Aedes, type AedesPublishPacket } from 'aedes'
import type { Logger } from 'pino'
import { PushError } from '../../errors.ts'
import { RouterMq } from './mq.ts'
import type { Publication } from './publication.ts'
import type { RetainedMessages } from './retained-topics.ts'
import { RouterPersistence } from './router-persistence.ts'

interface OwnAedesOptions {
  readonly id: string
  readonly logger: Logger
  readonly retained: RetainedMessages
  /** It is stored and retained, or has failed: calls back when it has left. */
  readonly emit: (publication: Publication, left: () => void) => void
}

export interface GeneralBroker {
  /** Resolves when it has left; what failed is noted. */
  publish(publication: Publication): Promise<void>
  close(): Promise<void>
}

export async function createOwnAedes(options: OwnAedesOptions): Promise<GeneralBroker> {
  const { id, logger, retained, emit } = options
  const broker = await Aedes.createBroker({
    id,
    persistence: new RouterPersistence({ retained, publicationOf }),
    mq: new RouterMq({ publicationOf, emit }),
  })
  // Its types leave this event out.
  const events: EventEmitter = broker
  events.on('error', (error: unknown) => logger.error({ err: error }, 'the router of general topics failed'))
  return {
    publish: (publication) =>
      new Promise((resolve) => {
        const { topic, payload, retain } = publication.message
        const properties = new Carrier(publication)
        // QoS is between a client and the broker, and Aedes has no clients here: with 0 it asks for no queue.
        const packet = {
          cmd: 'publish' as const,
          topic,
          payload: asBuffer(payload),
          qos: 0 as const,
          retain,
          dup: false,
          properties,
        }
        broker.publish(packet, (error) => {
          if (error) publication.fail(new PushError('STORE_UNAVAILABLE', 'the router', { cause: error }))
          resolve()
        })
      }),
    close: () => new Promise((resolve) => broker.close(resolve)),
  }
}

/** A packet of Aedes is a copy; the object of its properties goes along as it is. */
class Carrier {
  /** None, but it is of those that are known. */
  declare readonly contentType?: string
  readonly publication: Publication

  constructor(publication: Publication) {
    this.publication = publication
  }
}

function publicationOf({ properties }: Pick<AedesPublishPacket, 'properties'>): Publication | undefined {
  return properties instanceof Carrier ? properties.publication : undefined
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
