import type { Device } from '../../topics/index.ts'
import type { ProtocolLevel } from '../codec/packets.ts'
import type { Connection } from '../gate/connection.ts'
import type { Drain } from './drain.ts'
import type { DeviceNode } from './node.ts'
import type { PublishTurns } from './publish-turns.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What the handlers of packets need of their session. */
export interface HandlerContext {
  readonly node: DeviceNode
  readonly connection: Connection
  readonly device: Device
  readonly tokenId: string
  readonly epoch: number
  readonly level: ProtocolLevel
  /** Reason strings are welcome in acknowledgements. */
  readonly wantsReasons: boolean
  readonly drain: Drain
  readonly subscriptions: Subscriptions
  readonly turns: PublishTurns
  /** Packet ids of QoS 2 messages of this connection that wait for PUBREL. */
  readonly received: Set<number>
  /** There is somebody to send to. */
  readonly live: boolean
  /** Keeps the session in the store as it is now, when it outlives the connection. */
  save(): Promise<void>
}
