/** The will of a device: a publish that its token makes when the connection is gone. */
import { PushError } from '../../errors.ts'
import { refusalOf } from '../../store/honoured.ts'
import { mayDevicePublish, type Device } from '../../topics/index.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { DeviceNode, UpstreamMessage } from './node.ts'

/** It may go only where the device may publish. @throws TOPIC_FORBIDDEN */
export function willOf(device: Device, { will, clientId }: ConnectPacket): UpstreamMessage | undefined {
  if (will === undefined) return undefined
  if (!mayDevicePublish(device, will.topic))
    throw new PushError('TOPIC_FORBIDDEN', 'the will is not below the upstream topic')
  return {
    topic: will.topic,
    payload: Buffer.from(will.payload),
    qos: will.qos,
    retain: will.retain,
    clientId,
    // [MQTT-3.1.3-9] the delay is the server's business, and no property of the PUBLISH
    properties: { ...will.properties, willDelayInterval: undefined } as UpstreamMessage['properties'],
  }
}

/**
 * Publishes it, unless the provider has ended its token since (revoked, or another account came), on whichever node and
 * however long ago; what merely expired still says that its device is gone. It counts as the device's publishes do.
 *
 * Resolves when it is on its way, so that what a next connection publishes comes after it; never rejects.
 */
export async function publishWill(node: DeviceNode, device: Device, will: UpstreamMessage): Promise<void> {
  const { store, metrics, logger } = node
  const failed = (error: unknown) => logger.error({ err: error }, 'could not publish a will')
  try {
    const refusal = refusalOf(await store.lookupToken(device.tokenId), device.generation)
    const code = refusal ?? (node.publishes.take(device.tokenId) ? undefined : 'PUBLISH_RATE_EXCEEDED')
    if (code === undefined) return void node.upstream(will).catch(failed)
    metrics.rejected.inc({ code })
    logger.info({ code }, 'will refused')
  } catch (error) {
    failed(error)
  }
}
