/** The Aedes of an embedding program, and its own clients. */
import type { IncomingMessage } from 'node:http'
import { Aedes } from 'aedes'
import { PushError } from '../../errors.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import { NativeClient } from './native-client.ts'
import { AEDES_VERSION } from './aedes-version.ts'

export class Attached {
  readonly broker: Aedes
  /** The program judges who connects; otherwise every credential would be a right one. */
  readonly judges: boolean

  /** @throws Error in one sentence, when it is not of the version of aedes that push works with, or does not serve */
  constructor(broker: Aedes) {
    if (!(broker instanceof Aedes))
      throw new Error(
        `push.attach: it takes an Aedes of version ${AEDES_VERSION}; install that one and no other, \`npm ls aedes\` shows what there is`,
      )
    if (broker.closed !== false) throw new Error('push.attach: the broker is closed, or does not listen yet')
    this.broker = broker
    this.judges = broker.authenticate !== new Aedes().authenticate
  }

  /** A CONNECT that is not ours, and everything that follows on its connection. @throws what refuses it */
  connect(connection: Connection, connect: ConnectPacket, request: IncomingMessage | undefined): void | Promise<void> {
    // It answers nobody any more.
    if (this.broker.closed) throw new PushError('SHUTTING_DOWN', 'the attached broker is closed')
    const client = new NativeClient(connection, connect)
    const read = client.handle(connect)
    connection.admit(client, connect.keepAlive, 0)
    this.broker.handle(client.link, request)
    return read
  }
}
