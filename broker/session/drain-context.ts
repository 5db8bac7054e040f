import type { Device } from '../../topics/index.ts'
import type { Connection } from '../gate/connection.ts'
import type { BroadcastListener } from './broadcast-fanout.ts'
import type { Committing } from './commits.ts'
import type { DeviceNode } from './node.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { LiveSession } from './device-sessions.ts'

/** What a drain needs of its session. */
export interface DrainContext extends LiveSession, Committing, BroadcastListener {
  readonly node: DeviceNode
  readonly connection: Connection
  readonly device: Device
  /** Tags of the device, as the registry had them when it connected, or its connection went on with a newer token. */
  readonly tags: readonly string[]
  readonly subscriptions: Pick<Subscriptions, 'get'>
  /** There is somebody to send to. */
  readonly live: boolean
  /** Keeps the session in the store as it is now, when it outlives the connection. */
  save(): Promise<void>
}
