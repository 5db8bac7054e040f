/** What a bridge derives from its configuration. */
import type { BridgeOptions } from '../conf/bridge-options.ts'
import { Addresses } from './addresses.ts'
import { configuredMode, type Mode } from './connect-packet.ts'
import { PacketIds } from './packet-ids.ts'
import { Restart } from './restart.ts'
import { TopicMap } from './topic-map.ts'

export interface Setup {
  readonly bridge: BridgeOptions
  readonly topics: TopicMap
  readonly addresses: Addresses
  readonly restart: Restart
  /** Ids of the other broker. */
  readonly ids: PacketIds
  /** As the other broker takes it. */
  mode: Mode
  /** Messages that the other broker takes unacknowledged, as it said last. */
  receiveMaximum: number
}

/** Before it has said so. */
const FIRST_RECEIVED = 1_000

export function setupOf(bridge: BridgeOptions, random: () => number): Setup {
  const topics = new TopicMap(bridge.topics)
  const notices = bridge.notifications && !bridge.notificationsLocalOnly ? 1 : 0
  const requests = topics.atRemote.filter(({ isWanted }) => isWanted || bridge.attemptUnsubscribe).length
  return {
    bridge,
    topics,
    addresses: new Addresses(bridge),
    restart: new Restart(bridge.restart, random),
    // Requests of the first connection have the first packet ids, then messages have theirs, as with Mosquitto: a log
    // here gives 1 to its first.
    ids: new PacketIds(notices + requests),
    mode: configuredMode(bridge),
    receiveMaximum: FIRST_RECEIVED,
  }
}
