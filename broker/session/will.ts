/** The will of a device: a publish that its token makes when the connection is gone. */
import { PushError } from '../../errors.ts'
import type { UpstreamAppend } from '../../store/contract.ts'
import { mayDevicePublish, type Device } from '../../topics/index.ts'
import type { ConnectPacket } from '../codec/packets.ts'
import type { DeviceNode } from './node.ts'
import { upstreamOf } from './upstream-message.ts'

/** Its times are those of when it is made. */
export type DeviceWill = () => UpstreamAppend

/** It may go only where the device may publish. @throws TOPIC_FORBIDDEN */
export function willOf(node: DeviceNode, device: Device, { will }: ConnectPacket): DeviceWill | undefined {
  if (will === undefined) return undefined
  if (!mayDevicePublish(device, will.topic))
    throw new PushError('TOPIC_FORBIDDEN', 'the will is not below the upstream topic')
  const kept = { ...will, payload: Buffer.from(will.payload), properties: will.properties ?? {} }
  return () => upstreamOf(node, device, kept)
}

/**
 * Publishes it, unless the provider has ended its token since (revoked, or another account came), on whichever node and
 * however long ago; what merely expired still says that its device is gone. It counts as the device's publishes do.
 * Never rejects.
 */
export async function publishWill(node: DeviceNode, device: Device, will: DeviceWill): Promise<void> {
  const { store, metrics, logger } = node
  try {
    if (!node.publishes.take(device.tokenId)) throw new PushError('PUBLISH_RATE_EXCEEDED')
    await store.appendUpstream(will())
    metrics.upstream.inc()
  } catch (error) {
    if (!(error instanceof PushError) || error.code === 'STORE_UNAVAILABLE')
      return logger.error({ err: error }, 'could not publish a will')
    metrics.rejected.inc({ code: error.code })
    logger.info({ code: error.code }, 'will refused')
  }
}
