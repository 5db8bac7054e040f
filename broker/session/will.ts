/** The will of a device: a publish with the rights of its token after the connection is lost. */
import { PushError } from '../../errors.ts'
import { mayDevicePublish, type Device } from '../../topics/index.ts'
import type { ConnectPacket, Will } from '../codec/packets.ts'
import type { DeviceNode } from './node.ts'
import { decodeWill, encodeWill } from './stored-will.ts'
import { upstreamOf } from './upstream-message.ts'

/** What a will is published with. The store knows no names of devices and accounts. */
export type WillOwner = Pick<Device, 'app' | 'tokenId' | 'generation' | 'accountMark' | 'epochs' | 'kid'>

/** Those of before there were bulk revocations say less. */
type StoredOwner = Omit<WillOwner, 'accountMark' | 'epochs' | 'kid'> & Partial<WillOwner>

/** It may go only where the device may publish. @throws TOPIC_FORBIDDEN */
export function willOf(device: Device, { will }: ConnectPacket): Will | undefined {
  if (will === undefined) return undefined
  if (!mayDevicePublish(device, will.topic))
    throw new PushError('TOPIC_FORBIDDEN', 'the will is not below the upstream topic')
  return { ...will, payload: Buffer.from(will.payload) }
}

export function encodeDeviceWill(owner: WillOwner, will: Will): Uint8Array {
  const { app, tokenId, generation, accountMark, epochs, kid } = owner
  return encodeWill<WillOwner>({ app, tokenId, generation, accountMark, epochs, kid }, will)
}

/** @throws STORE_UNAVAILABLE */
export async function publishStoredWill(node: DeviceNode, value: Uint8Array): Promise<void> {
  const { of, will } = decodeWill<StoredOwner>(value)
  await publishWill(node, of, will)
}

/**
 * Publishes it, unless the provider has ended its token since (revoked, alone or with others, or another account came), on
 * whichever node and however long ago; what merely expired still says that its device is gone. It counts as the device's
 * publishes do.
 * @throws STORE_UNAVAILABLE
 */
export async function publishWill(node: DeviceNode, owner: StoredOwner, will: Will): Promise<void> {
  const { store, metrics, logger } = node
  try {
    await node.revocations.fresh()
    if (isRevoked(node, owner)) throw new PushError('TOKEN_REVOKED')
    if (!node.publishes.take(owner.tokenId)) throw new PushError('PUBLISH_RATE_EXCEEDED')
    await store.appendUpstream(upstreamOf(node, owner, { ...will, properties: will.properties ?? {} }))
    metrics.upstream.inc()
  } catch (error) {
    if (!(error instanceof PushError) || error.code === 'STORE_UNAVAILABLE') throw error
    metrics.rejected.inc({ code: error.code })
    logger.info({ code: error.code }, 'will refused')
  }
}

/** With all others of its app, account or signing key. A single one is known to the registry. */
function isRevoked({ auth, revocations }: DeviceNode, { app, accountMark, epochs, kid }: StoredOwner): boolean {
  if (accountMark === undefined || epochs === undefined || kid === undefined) return false
  return revocations.isRevoked({ app, accountMark, epochs }) || !auth.holds({ kid })
}
